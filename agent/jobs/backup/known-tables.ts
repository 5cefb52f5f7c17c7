import type { Notes } from '../init.ts';

/** The tables that a backup was to hold, by name; of those whose names differ in numbers alone, one. */
interface Known {
  snapshotId: string;
  tables: string[];
}

/** Those of this backup; null where they are not known. */
export function knownTables(
  notes: Pick<Notes, 'recall'>,
  source: string,
  snapshotId: string,
): string[] | null {
  return read(notes, source).find((known) => known.snapshotId === snapshotId)?.tables ?? null;
}

/**
 * Notes the tables of a backup. It takes the place of those before it, except of `beside`: what a suspect one is held against is known
 * until a person has accepted it, or another counts.
 */
export function rememberTables(
  notes: Notes,
  source: string,
  stored: { snapshotId: string; names: string[]; beside: string | null },
): void {
  const { snapshotId, names, beside } = stored;
  const kept = read(notes, source).filter((known) => known.snapshotId === beside);
  const one: Known = { snapshotId, tables: [...byPattern(names).values()] };
  notes.remember(noteOf(source), JSON.stringify([...kept, one]));
}

/**
 * Which of these tables are gone. One of whose kind there is another still, by a name that differs in numbers alone, is not: partitions by
 * the month and tables of numbered tenants come and go.
 */
export function vanishedTables(before: string[], names: string[]): string[] {
  const there = byPattern(names);
  return before.filter((name) => !there.has(patternOf(name)));
}

/** The first name of each pattern. */
function byPattern(names: string[]): Map<string, string> {
  const patterns = new Map<string, string>();
  for (const name of names) {
    const pattern = patternOf(name);
    if (!patterns.has(pattern)) patterns.set(pattern, name);
  }
  return patterns;
}

const UUID = /[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}/gi;
/** With a digit in it: `feedback` and `facade` are words. */
const HEXADECIMAL = /(?=[a-f]*\d)[0-9a-f]{8,}/gi;

/** The name without its numbers. */
function patternOf(name: string): string {
  return name.replace(UUID, '#').replace(HEXADECIMAL, '#').replace(/\d+/g, '#');
}

function read(notes: Pick<Notes, 'recall'>, source: string): Known[] {
  return JSON.parse(notes.recall(noteOf(source)) ?? '[]') as Known[];
}

function noteOf(source: string): string {
  return `tables of ${source}`;
}
