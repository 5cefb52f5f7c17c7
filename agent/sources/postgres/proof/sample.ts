import type { TableProof } from '../../../proof/proof.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import type { RowTable } from './row-table.ts';

export type Sample = NonNullable<TableProof['sample']>;

/** The last one holds the newest rows of a key that grows; the others begin anywhere. */
const RANGES = 16;
/** Blocks from which the places of the others are drawn. */
const BLOCKS = 64;
const BLOCK_BYTES = 8192;

/**
 * Ranges of a table's key, none touching another, that hold about `budget` of the table's `bytes`; null when the table has no key
 * that orders its rows alike on every server.
 */
export async function chooseSample(
  session: PostgresSession,
  table: RowTable,
  size: { rows: number; bytes: number; budget: number },
): Promise<Sample | null> {
  const key = await findKey(session, table);
  if (key === null) return null;
  const each = Math.max(1, Math.ceil((size.rows * size.budget) / size.bytes / RANGES));
  const ranges: Sample['ranges'] = [];
  for (const start of await starts(session, table, key, each)) {
    const range = await rangeFrom(session, table, key, { start, after: ranges.at(-1)?.[1], each });
    if (range !== null) ranges.push(range);
  }
  return ranges.length === 0 ? null : { key: key.join(', '), ranges };
}

/**
 * The rows of one range, ready to stand behind WHERE. The texts come from a stored proof: nothing but names and literals gets
 * into the statement, whatever somebody wrote there.
 */
export function rangeCondition(key: string, [low, high]: [string, string]): string {
  const columns = `ROW(${all(NAME, key, 'key')})`;
  return `${columns} >= ROW(${all(LITERAL, low, 'range')}) AND ${columns} <= ROW(${all(LITERAL, high, 'range')})`;
}

const NAME = '"(?:[^"]|"")+"';
const LITERAL = "'(?:[^']|'')*'";

function all(piece: string, text: string, what: string): string {
  if (new RegExp(`^${piece}(?:, ${piece})*$`).test(text)) return text;
  throw new HoldfastError('failed', `the stored proof holds a ${what} that is none: ${text.slice(0, 60)}`, {
    hint: 'Somebody changed the proof in the repository: verify an older snapshot, and back up again.',
  });
}

/**
 * The primary key or another one without nulls, of types whose order depends on no locale: a text sorts by the rules of the
 * server's C library, and ranges would hold other rows on another one.
 */
async function findKey(session: PostgresSession, table: RowTable): Promise<string[] | null> {
  const [row] = await session.query(
    `SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
      WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND m.amname = 'btree'
        AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
          LEFT JOIN pg_collation l ON l.oid = a.attcollation
          WHERE k.place <= i.indnkeyatts AND NOT (a.attnotnull AND a.atttypid = ANY ($2::regtype[]::oid[])
            AND (l.oid IS NULL OR l.collname IN ('C', 'POSIX'))))
      ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1`,
    [table.oid, KEY_TYPES],
  );
  return row === undefined ? null : (row.columns as string[]).map(quoteIdentifier);
}

const KEY_TYPES = [
  'smallint',
  'integer',
  'bigint',
  'oid',
  'numeric',
  'uuid',
  'date',
  'timestamp',
  'timestamptz',
  'bytea',
  'text',
  'varchar',
];

/** Keys at which ranges begin, in order: one row of some blocks drawn at random, and the first of the last rows. */
async function starts(
  session: PostgresSession,
  table: RowTable,
  key: string[],
  each: number,
): Promise<string[]> {
  const [size] = await session.query('SELECT pg_relation_size($1::oid) AS bytes', [table.oid]);
  const blocks = Math.max(1, Number(size?.bytes) / BLOCK_BYTES);
  const percent = Math.min(100, (100 * BLOCKS) / blocks);
  const columns = key.join(', ');
  const rows = await session.query(
    `SELECT ${literals(key)} AS literals FROM (
        (SELECT ${columns} FROM (SELECT DISTINCT ON ((ctid::text::point)[0]) ${columns}
          FROM ${table.only} TABLESAMPLE SYSTEM (${percent})) s ORDER BY random() LIMIT ${RANGES - 1})
        UNION
        (SELECT ${columns} FROM ${table.dumped} ORDER BY ${descending(key)} LIMIT 1 OFFSET ${each - 1})
      ) places ORDER BY ${columns}`,
  );
  return rows.map((row) => String(row.literals));
}

async function rangeFrom(
  session: PostgresSession,
  table: RowTable,
  key: string[],
  { start, after, each }: { start: string; after: string | undefined; each: number },
): Promise<[string, string] | null> {
  const columns = key.join(', ');
  const behind = after === undefined ? '' : `AND ROW(${columns}) > ROW(${after})`;
  const rows = await session.query(
    `WITH run AS (SELECT ${columns} FROM ${table.dumped} WHERE ROW(${columns}) >= ROW(${start}) ${behind}
        ORDER BY ${columns} LIMIT ${each})
      (SELECT ${literals(key)} AS literals FROM run ORDER BY ${columns} LIMIT 1)
      UNION ALL (SELECT ${literals(key)} FROM run ORDER BY ${descending(key)} LIMIT 1)`,
  );
  const [low, high] = rows.map((row) => String(row.literals));
  return low === undefined || high === undefined ? null : [low, high];
}

/** standard_conforming_strings is on: a backslash is a backslash. */
function literals(key: string[]): string {
  return key.map((column) => `'''' || replace(${column}::text, '''', '''''') || ''''`).join(` || ', ' || `);
}

function descending(key: string[]): string {
  return key.map((column) => `${column} DESC`).join(', ');
}
