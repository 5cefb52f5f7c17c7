import { REMARKS } from '../table-choice.ts';
import type { FileEntry } from '../directory/contents.ts';

/** An archive's entries by when a full recovery makes them, each in the archive's order. */
export interface RecoverySplit {
  /** What belongs to no tenant and builds on none. */
  shared: FileEntry[];
  /** By schema. */
  tenants: Map<string, FileEntry[]>;
  /** What builds on several tenants, or stands outside of them and builds on one. */
  late: FileEntry[];
}

export function splitForRecovery(entries: FileEntry[], schemas: string[]): RecoverySplit {
  const owners = ownersOf(entries, new Set(schemas));
  const late = lateOnes(entries, owners);
  const tenants = new Map<string, FileEntry[]>(schemas.map((schema) => [schema, []]));
  const shared: FileEntry[] = [];
  for (const entry of entries) {
    if (late.has(entry.id)) continue;
    const owner = owners.get(entry.id);
    if (owner === undefined) shared.push(entry);
    else if (!NEVER.has(entry.kind)) tenants.get(owner)?.push(entry);
  }
  return { shared, tenants, late: entries.filter(({ id }) => late.has(id)) };
}

/** Those among late entries that can be made although these tenants did not come back. */
export function withoutFailed(split: RecoverySplit, failed: string[]): FileEntry[] {
  const gone = new Set(failed.flatMap((schema) => split.tenants.get(schema) ?? []).map(({ id }) => id));
  return split.late.filter(({ id, dependencies, schema }) => {
    const isGone = failed.includes(schema) || dependencies.some((other) => gone.has(other));
    if (isGone) gone.add(id);
    return !isGone;
  });
}

/** Statistics, which newer dumps hold, are gathered anew. */
const NEVER = new Set(['STATISTICS DATA']);

/** The tenant's schema in which an entry stands, by its id; of what says something of such alone, theirs. */
function ownersOf(entries: FileEntry[], schemas: Set<string>): Map<number, string> {
  const owners = new Map<number, string>();
  for (const { id, kind, schema, tag } of entries) {
    if (schemas.has(schema)) owners.set(id, schema);
    else if (kind === 'SCHEMA' && schemas.has(tag)) owners.set(id, tag);
  }
  for (const { id, kind, dependencies } of entries) {
    if (owners.has(id) || !REMARKS.has(kind)) continue;
    const of = new Set(dependencies.map((other) => owners.get(other)));
    const [only] = of;
    if (only !== undefined && of.size === 1) owners.set(id, only);
  }
  return owners;
}

/** They would act on what comes after them: triggers that fire on it, rights that it gets. pg_restore makes them last, too. */
const ACTING = new Set(['EVENT TRIGGER', 'DEFAULT ACL']);

function lateOnes(entries: FileEntry[], owners: Map<number, string>): Set<number> {
  const late = new Set<number>();
  for (let before = -1; before !== late.size;) {
    before = late.size;
    const unfinished = new Set(entries.filter(({ id }) => late.has(id)).map(({ id }) => owners.get(id)));
    for (const { id, kind, dependencies } of entries) {
      const own = owners.get(id);
      const isElsewhere = (other: number) =>
        late.has(other) || (owners.has(other) && owners.get(other) !== own);
      // Those of a tenant act on what comes late into its schema, too.
      const acts = ACTING.has(kind) && (own === undefined || unfinished.has(own));
      if (dependencies.some(isElsewhere) || acts) late.add(id);
    }
  }
  return late;
}
