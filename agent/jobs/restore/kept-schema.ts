import { describeError } from '../../core/errors.ts';
import type { Source } from '../../sources/source.ts';
import type { Tenants } from '../../sources/tenants.ts';
import type { Notes } from '../init.ts';
import { dated } from './dated-name.ts';
import { dropEach, type Dropped } from './drop-each.ts';
import { KEPT_FOR_MS, dropKept } from './kept-database.ts';

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
 * Drops the replaced schemas of a source, all of them or those whose week has passed at `now`. Never one that no restore has noted, or whose
 * name is not of our own form, or on which something else depends.
 */
async function dropKeptSchemas(
  { name: source, tenants }: { name: string; tenants: Tenants },
  notes: Notes,
  choice: { now: Date; all: boolean },
  signal: AbortSignal,
): Promise<Dropped> {
  const due = keptSchemas(notes, source).filter(
    ({ name, at }) => isDated(name) && (choice.all || Date.parse(at) + KEPT_FOR_MS <= choice.now.getTime()),
  );
  if (due.length === 0) return { dropped: [], failures: [] };
  const names = due.map(({ name }) => name);
  // A restore that ended before its end has noted a name that nothing got.
  const there = await tenants.existing(names, signal);
  const drop = async (one: string) => {
    const isThere = there.includes(one);
    if (isThere) await tenants.drop(one, signal);
    const left = keptSchemas(notes, source).filter(({ name }) => name !== one);
    remember(notes, source, left);
    return isThere;
  };
  return dropEach(names, drop, signal);
}

/** Both, of a source that may have no tenants: neither what one cannot drop nor a server that is away keeps the other. */
export async function dropAllKept(
  { source, tenants }: { source: Source; tenants: Tenants | null },
  notes: Notes,
  choice: { now: Date; all: boolean },
  signal: AbortSignal,
): Promise<Dropped> {
  const databases = await dropKept(source, notes, choice, signal);
  if (tenants === null) return databases;
  const schemas = await dropKeptSchemas({ name: source.name, tenants }, notes, choice, signal).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      return { dropped: [], failures: [describeError(error).message] };
    },
  );
  return {
    dropped: [...databases.dropped, ...schemas.dropped],
    failures: [...databases.failures, ...schemas.failures],
  };
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
