import type { Source } from '../../sources/source.ts';
import type { Notes } from '../init.ts';
import { dated, stemOf } from './dated-name.ts';
import { dropEach, type Dropped } from './drop-each.ts';
import { unfinishedSwap } from './unfinished-restore.ts';

/** A database that a restore replaced, under the name that it has since. */
export interface KeptDatabase {
  name: string;
  /** When it was replaced, UTC ISO 8601. */
  at: string;
}

/** How long restore points and replaced databases stay. */
export const KEPT_FOR_MS = 7 * 24 * 3600_000;

/** The name that the source's database gets when it is replaced: `shop_before_20261101_150000`. */
export function datedName(database: string, now: Date): string {
  return dated(database, STEM_BYTES, '_before_', now);
}

/** Notes that a database is about to get this name: what is not noted is never dropped. */
export function rememberKept(notes: Notes, source: string, kept: KeptDatabase): void {
  remember(notes, source, [...keptDatabases(notes, source), kept]);
}

/** Oldest first. */
export function keptDatabases(notes: Notes, source: string): KeptDatabase[] {
  return JSON.parse(notes.recall(noteOf(source)) ?? '[]') as KeptDatabase[];
}

/**
 * Drops the replaced databases of a source, all of them or those whose week has passed at `now`. Never one that no restore has noted, or
 * whose name is not of our own form.
 */
export async function dropKept(
  source: Source,
  notes: Notes,
  choice: { now: Date; all: boolean },
  signal: AbortSignal,
): Promise<Dropped> {
  const due = keptDatabases(notes, source.name).filter((kept) => {
    const isDue = choice.all || Date.parse(kept.at) + KEPT_FOR_MS <= choice.now.getTime();
    // Of a swap that is not settled yet, it may hold the only rows there are.
    const isNeeded = unfinishedSwap(notes, source.name)?.keep === kept.name;
    return isDue && !isNeeded && isDated(source.database, kept.name);
  });
  const drop = async (one: string) => {
    // A restore that ended before its swap has noted a name that nothing got.
    const isThere = (await source.listDatabases(one, signal)).includes(one);
    if (isThere) await source.dropDatabase(one, signal);
    const left = keptDatabases(notes, source.name).filter(({ name }) => name !== one);
    remember(notes, source.name, left);
    return isThere;
  };
  const names = due.map(({ name }) => name);
  return dropEach(names, drop, signal);
}

/** The same of those whose week has passed, for a run that has more to do: what could not be dropped is a sentence part each. */
export async function dropDue(
  source: Source,
  notes: Notes,
  now: Date,
  signal: AbortSignal,
): Promise<string[]> {
  const { failures } = await dropKept(source, notes, { now, all: false }, signal);
  return failures.map((failure) => tellNotDropped(source.name, failure));
}

export function tellNotDropped(source: string, failure: string): string {
  return `what a restore of ${source} replaced a week ago is not dropped: ${failure}`;
}

/** Servers cut longer names silently: PostgreSQL after 63 bytes, MySQL and MariaDB refuse more than 64 characters. */
const STEM_BYTES = 40;

function isDated(database: string, name: string): boolean {
  const prefix = `${stemOf(database, STEM_BYTES)}_before_`;
  return name.startsWith(prefix) && /^\d{8}_\d{6}$/.test(name.slice(prefix.length));
}

function remember(notes: Notes, source: string, kept: KeptDatabase[]): void {
  notes.remember(noteOf(source), JSON.stringify(kept));
}

function noteOf(source: string): string {
  return `replaced databases of ${source}`;
}
