import type { TableInDump } from '../source.ts';
import type { Entry } from './archive-contents.ts';

/** Tables in an archive, as `schema.table`. */
export function tablesInDump(entries: Entry[]): TableInDump[] {
  const parts = partitionsIn(entries);
  return entries.filter(isTable).map((table) => {
    const withRows = withPartitions([table], parts).filter(({ id }) => !parts.has(id));
    return { name: nameOf(table), rowsIn: withRows.map(nameOf) };
  });
}

/**
 * The entries that make some tables, in the archive's order: the tables, their partitions, rows, indexes, constraints, triggers,
 * sequences, comments and rights.
 *
 * - Into an empty database: also what they need (schemas, types, functions), but no foreign key to a table that is not among them.
 * - Replacing them where they are (`replace`): nothing else, for it is there; their foreign keys all come back.
 */
export function chooseEntries<E extends Entry>(
  entries: E[],
  wanted: string[],
  { replace }: { replace: boolean },
): E[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const named = entries.filter((entry) => isTable(entry) && wanted.includes(nameOf(entry)));
  const tables = withPartitions(named, partitionsIn(entries));
  const chosen = new Set(tables.map(({ id }) => id));
  for (const entry of entries) {
    if (belongsTo(entry, tables) && (replace || !leadsOutside(entry, tables, byId))) chosen.add(entry.id);
  }
  for (const { kind, dependencies } of entries) {
    if (kind !== 'SEQUENCE OWNED BY' || !dependencies.some((id) => chosen.has(id))) continue;
    for (const id of dependencies) if (byId.get(id)?.kind === 'SEQUENCE') chosen.add(id);
  }
  if (!replace) addNeeded(chosen, byId);
  addRemarks(chosen, entries);
  return entries.filter(({ id }) => chosen.has(id));
}

/** The entries that make some objects in a database that has none of them, in the archive's order: also what they need, and tables with their rows. */
export function chooseObjects(entries: Entry[], isWanted: (entry: Entry) => boolean): Entry[] {
  const wanted = entries.filter(isWanted);
  const withTables = chooseEntries(entries, wanted.filter(isTable).map(nameOf), { replace: false });
  const chosen = new Set([...withTables, ...wanted].map(({ id }) => id));
  addNeeded(chosen, new Map(entries.map((entry) => [entry.id, entry])));
  addRemarks(chosen, entries);
  return entries.filter(({ id }) => chosen.has(id));
}

/** They name their table before their own name. */
const NAMED_AFTER_TABLE = new Set([
  'CHECK CONSTRAINT',
  'CONSTRAINT',
  'DEFAULT',
  'FK CONSTRAINT',
  'POLICY',
  'RULE',
  'TRIGGER',
]);
const OF_TABLE = new Set([
  'INDEX',
  'ROW SECURITY',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'STATISTICS',
  'TABLE DATA',
]);
/** They say something of an object, and make none. */
export const REMARKS = new Set([
  'ACL',
  'COMMENT',
  'INDEX ATTACH',
  'SECURITY LABEL',
  'SEQUENCE SET',
  'TABLE ATTACH',
]);

function isTable({ kind }: Entry): boolean {
  return kind === 'TABLE';
}

function nameOf({ schema, tag }: Entry): string {
  return `${schema}.${tag}`;
}

/** The partitions of each table that has some, by its id. */
function partitionsIn(entries: Entry[]): Map<number, Entry[]> {
  const tables = new Map(entries.filter(isTable).map((entry) => [entry.id, entry]));
  const partitions = new Map<number, Entry[]>();
  for (const { kind, tag, dependencies } of entries) {
    if (kind !== 'TABLE ATTACH') continue;
    const both = dependencies.flatMap((id) => tables.get(id) ?? []);
    for (const parent of both) {
      const parts = both.filter((part) => part !== parent && part.tag === tag);
      if (parts.length > 0) partitions.set(parent.id, [...(partitions.get(parent.id) ?? []), ...parts]);
    }
  }
  return partitions;
}

function withPartitions(named: Entry[], partitions: Map<number, Entry[]>): Entry[] {
  const tables = new Set(named);
  // Grows while it is walked: a partition may have partitions.
  for (const { id } of tables) for (const part of partitions.get(id) ?? []) tables.add(part);
  return [...tables];
}

function belongsTo(entry: Entry, tables: Entry[]): boolean {
  return tables.some(({ id, schema, tag }) => {
    if (!entry.dependencies.includes(id)) return false;
    if (OF_TABLE.has(entry.kind)) return true;
    return NAMED_AFTER_TABLE.has(entry.kind) && entry.schema === schema && entry.tag.startsWith(`${tag} `);
  });
}

/** A foreign key to a table that does not come along. */
function leadsOutside(entry: Entry, tables: Entry[], byId: Map<number, Entry>): boolean {
  if (entry.kind !== 'FK CONSTRAINT') return false;
  return entry.dependencies.some((id) => {
    const other = byId.get(id);
    if (other === undefined || tables.includes(other)) return false;
    return isTable(other) || !belongsTo(other, tables);
  });
}

function addNeeded(chosen: Set<number>, byId: Map<number, Entry>): void {
  // Grows while it is walked.
  for (const id of chosen) {
    for (const needed of byId.get(id)?.dependencies ?? []) if (byId.has(needed)) chosen.add(needed);
  }
}

/** What says something of chosen objects alone. */
function addRemarks(chosen: Set<number>, entries: Entry[]): void {
  for (const { id, kind, dependencies } of entries) {
    const isRemark = REMARKS.has(kind) && dependencies.length > 0;
    if (isRemark && dependencies.every((dependency) => chosen.has(dependency))) chosen.add(id);
  }
}
