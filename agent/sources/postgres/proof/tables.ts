import type { TableProof } from '../../../proof/proof.ts';
import { CONFIGURATION, notOfExtension, ofSchema, USER_SCHEMAS, type OfSchemas } from '../contents.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { named } from './names.ts';
import { chooseSample, rangeCondition, type Sample } from './sample.ts';
import { step } from './snapshot.ts';
import type { RowTable } from './row-table.ts';

/** Which of a table's rows the checksum is to cover; with a budget all of them where they take no more bytes, else samples. */
export type Extent = 'none' | 'all' | Sample | { budget: number };

/** How rows are hashed by this server. The hash function is not promised to be the same in another major. */
export async function methodOf(session: PostgresSession): Promise<string> {
  const [row] = await session.query("SELECT current_setting('server_encoding') AS encoding");
  return `hashtextextended of each row's text, summed modulo 2^64, PostgreSQL ${session.major}, ${String(row?.encoding)}`;
}

/** In the order in which pg_dump reads them, so that the two meet the same pages. */
export async function listTables(
  session: PostgresSession,
  leftOut: string[],
  schemas: OfSchemas = null,
): Promise<RowTable[]> {
  const rows = await session.query(ofSchema(TABLES, schemas), [leftOut]);
  return rows.map((row) => {
    const place = `${quoteIdentifier(String(row.schema))}.${quoteIdentifier(String(row.table))}`;
    return {
      oid: String(row.oid),
      name: String(row.name),
      only: `ONLY ${place}`,
      dumped: dumpedOf(place, String(row.condition)),
      columns: row.columns as string[],
      pages: Number(row.pages),
    };
  });
}

/** As pg_dump reads it: with a condition, without ONLY. */
function dumpedOf(place: string, condition: string): string {
  return condition === '' ? `ONLY ${place}` : `(SELECT * FROM ${place} ${condition}\n) dumped`;
}

/** Of a table that was never analyzed the server knows how many rows it holds, and not how long they are. */
const ROWS_A_PAGE = 40;

const TABLES = `SELECT c.oid::text, n.nspname AS schema, c.relname AS table, ${named('n.nspname', 'c.relname')} AS name,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attname::text COLLATE "C") AS columns,
    greatest(c.relpages + coalesce((SELECT t.relpages FROM pg_class t WHERE t.oid = c.reltoastrelid), 0),
      pg_stat_get_live_tuples(c.oid) / ${ROWS_A_PAGE}) AS pages, coalesce(g.condition, '') AS condition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN ${CONFIGURATION} g ON g.oid = c.oid
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${USER_SCHEMAS}
      AND (g.oid IS NOT NULL OR ${notOfExtension('pg_class', 'c.oid')})
      AND c.oid <> ALL ($1::oid[])
      -- A standby has no rows of unlogged tables, and its dump has none either.
      AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
    ORDER BY n.nspname, c.relname`;

/**
 * Exact rows, and the checksum of those that are asked for; null where samples are and the table has no key for them. Throws when
 * the table cannot be read, or was rewritten since the snapshot: then its rows are no longer those of the snapshot.
 */
export async function readTable(
  session: PostgresSession,
  table: RowTable,
  extent: Extent,
): Promise<TableProof> {
  return step(session, async () => {
    const read =
      extent === 'all' || (await fits(session, table, extent))
        ? await readWhole(session, table)
        : await readPart(session, table, extent);
    return { name: table.name, ...read, excuse: null };
  });
}

type Read = Pick<TableProof, 'rows' | 'checksum' | 'sample'>;

async function fits(session: PostgresSession, table: RowTable, extent: Extent): Promise<boolean> {
  if (typeof extent === 'string' || !('budget' in extent)) return false;
  return (await bytesOf(session, table)) <= extent.budget;
}

async function readWhole(session: PostgresSession, table: RowTable): Promise<Read> {
  const { rows, sum } = await hash(session, table, '');
  return { rows, checksum: modulo(sum), sample: null };
}

async function readPart(
  session: PostgresSession,
  table: RowTable,
  extent: Exclude<Extent, 'all'>,
): Promise<Read> {
  const rows = await count(session, table);
  const sample = await sampleOf(session, table, extent, rows);
  if (sample === null) return { rows, checksum: null, sample };
  let sum = 0n;
  for (const range of sample.ranges) {
    sum += (await hash(session, table, `WHERE ${rangeCondition(sample.key, range)}`)).sum;
  }
  return { rows, checksum: modulo(sum), sample };
}

async function sampleOf(
  session: PostgresSession,
  table: RowTable,
  extent: Exclude<Extent, 'all'>,
  rows: number,
): Promise<Sample | null> {
  if (extent === 'none') return null;
  if (!('budget' in extent)) return extent;
  const bytes = await bytesOf(session, table);
  return chooseSample(session, table, { rows, bytes, budget: extent.budget });
}

async function bytesOf(session: PostgresSession, table: RowTable): Promise<number> {
  const [row] = await session.query('SELECT pg_table_size($1::oid) AS bytes', [table.oid]);
  return Number(row?.bytes);
}

async function count(session: PostgresSession, table: RowTable): Promise<number> {
  const [row] = await session.query(
    `SELECT count(*) AS rows, ${untouched(table)} AS untouched FROM ${table.dumped}`,
  );
  requireUntouched(row);
  return Number(row?.rows);
}

async function hash(
  session: PostgresSession,
  table: RowTable,
  where: string,
): Promise<{ rows: number; sum: bigint }> {
  const [row] = await session.query(
    `SELECT count(*) AS rows, ${sumOf(table)} AS sum, ${untouched(table)} AS untouched FROM ${table.dumped} ${where}`,
  );
  requireUntouched(row);
  return { rows: Number(row?.rows), sum: BigInt(String(row?.sum)) };
}

/** SQL of the sum of its rows' hashes. */
export function sumOf({ columns }: RowTable): string {
  const text = `ROW(${columns.map(quoteIdentifier).join(', ')})::text COLLATE "C"`;
  return `coalesce(sum(hashtextextended(${text}, 0)), 0)`;
}

/** TRUNCATE and some of ALTER TABLE show older snapshots a table that never was. The catalog of the snapshot and that of now tell. */
export function untouched({ oid }: RowTable): string {
  return `(SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class WHERE oid = ${oid})`;
}

/** Throws where `untouched` is not true. */
export function requireUntouched(row: Record<string, unknown> | undefined): void {
  if (row?.untouched !== true) throw new Error('it was rewritten or truncated while the dump ran');
}

/** As the checksum of a proof. */
export function modulo(sum: bigint): string {
  return BigInt.asUintN(64, sum).toString();
}
