import type { Tenants } from '../../sources/tenants.ts';
import type { Notes } from '../init.ts';
import { dated } from './dated-name.ts';
import { KEPT_FOR_MS } from './kept-database.ts';

/** A schema that the restore of a tenant replaced, under the name that it has since. */
interface KeptSchema {
  name: string;
  /** When it was replaced, UTC ISO 8601. */
  at: string;
}

/** The name that a tenant's schema gets when it is replaced: `tenant_42_old_20261101_150000`. */
export function datedSchema(schema: string, now: Date): string {
  return dated(schema, STEM_BYTES, '_old_', now);
}

/** Notes that a schema is about to get this name: what is not noted is never dropped. */
export function rememberKeptSchema(notes: Notes, source: string, kept: KeptSchema): void {
  remember(notes, source, [...keptSchemas(notes, source), kept]);
}

/**
 * Drops the replaced schemas of a source, all of them or those whose week has passed at `now`; returns their names. Never one that no restore
 * has noted, or whose name is not of our own form, or on which something else depends.
 */
export async function dropKeptSchemas(
  { name: source, tenants }: { name: string; tenants: Tenants },
  notes: Notes,
  choice: { now: Date; all: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  const due = keptSchemas(notes, source).filter(
    ({ name, at }) => isDated(name) && (choice.all || Date.parse(at) + KEPT_FOR_MS <= choice.now.getTime()),
  );
  if (due.length === 0) return [];
  // A restore that ended before its end has noted a name that nothing got.
  const there = await tenants.existing(
    due.map(({ name }) => name),
    signal,
  );
  for (const { name } of due) {
    if (there.includes(name)) await tenants.drop(name, signal);
    remember(
      notes,
      source,
      keptSchemas(notes, source).filter((kept) => kept.name !== name),
    );
  }
  return there;
}

/** Longer names PostgreSQL cuts silently, after 63 bytes. */
const STEM_BYTES = 42;

function isDated(name: string): boolean {
  return /_old_\d{8}_\d{6}$/.test(name);
}

/** Oldest first. */
function keptSchemas(notes: Notes, source: string): KeptSchema[] {
  return JSON.parse(notes.recall(noteOf(source)) ?? '[]') as KeptSchema[];
}

function remember(notes: Notes, source: string, kept: KeptSchema[]): void {
  notes.remember(noteOf(source), JSON.stringify(kept));
}

function noteOf(source: string): string {
  return `replaced schemas of ${source}`;
}
