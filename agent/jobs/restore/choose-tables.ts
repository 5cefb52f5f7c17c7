import { HoldfastError } from '../../core/errors.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { Source, TableInDump } from '../../sources/source.ts';
import type { JobContext } from '../job.ts';
import { readStored } from '../reading.ts';

/**
 * The tables in a stored dump that a person means, by the names that they have there: `orders` also stands for `public.orders` and the like,
 * where no other schema has one. Throws `usage` with names that are near for one that is not in it, before anything is touched.
 */
export async function chooseTables(
  wanted: string[],
  { repository, snapshot, source, ofSchema }: TablesOf,
  { onProgress, signal }: JobContext,
): Promise<ChosenTables> {
  const progress = { step: `looking for the tables in ${snapshot.shortId}`, dumpBytes: 0, storedBytes: 0 };
  const all = await source.tablesIn(readStored({ repository, snapshot, progress }, onProgress, signal));
  const there = ofSchema === null ? all : all.filter(({ name }) => isIn(name, ofSchema));
  const names = there.map(({ name }) => name);
  const tables = [...new Set(wanted.map((name) => tableCalled(name, names, snapshot)))];
  return { tables, rowsIn: rowsOf(tables, there) };
}

export interface ChosenTables {
  /** Those that were named. */
  tables: string[];
  /** Those that hold their rows: themselves and their partitions. */
  rowsIn: string[];
}

export interface TablesOf {
  repository: Repository;
  snapshot: Snapshot;
  source: Source;
  /** Null for any. */
  ofSchema: string | null;
}

/** A point behind that of the schema may be part of its name: then it is another one. */
function isIn(table: string, schema: string): boolean {
  return table.startsWith(`${schema}.`) && !table.slice(schema.length + 1).includes('.');
}

function rowsOf(tables: string[], there: TableInDump[]): string[] {
  const chosen = new Set(tables);
  return [...new Set(there.flatMap(({ name, rowsIn }) => (chosen.has(name) ? rowsIn : [])))];
}

function tableCalled(name: string, there: string[], snapshot: Snapshot): string {
  if (there.includes(name)) return name;
  const called = there.filter((table) => shortName(table) === name);
  const [only, ...more] = called;
  if (only !== undefined && more.length === 0) return only;
  if (only !== undefined) {
    throw new HoldfastError('usage', `more than one table of ${snapshot.shortId} is called ${name}`, {
      hint: `Name the schema too: ${called.join(', ')}.`,
    });
  }
  throw new HoldfastError('usage', `there is no table ${name} in ${snapshot.shortId}; nothing was changed`, {
    hint: suggestion(name, there),
  });
}

const MOST_NAMES = 5;

function suggestion(name: string, there: string[]): string {
  if (there.length === 0) return 'It holds no tables at all.';
  const near = there
    .map((table) => ({ table, distance: Math.min(distance(name, table), distance(name, shortName(table))) }))
    .toSorted((one, other) => one.distance - other.distance)
    .slice(0, MOST_NAMES)
    .map(({ table }) => table);
  return `The nearest of its ${there.length} tables: ${near.join(', ')}.`;
}

function shortName(table: string): string {
  return table.slice(table.indexOf('.') + 1);
}

/** How many letters have to be added, removed or changed to make one word of the other, whatever their case. */
function distance(one: string, other: string): number {
  const [from, to] = [one.toLowerCase(), other.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
