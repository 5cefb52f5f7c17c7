import { HoldfastError } from '../../../core/errors.ts';
import type { PostgresTable } from '../contents.ts';
import { quoteIdentifier } from '../names.ts';
import { step } from '../proof/snapshot.ts';
import type { PostgresSession } from '../session.ts';

/**
 * A table of each of some schemas that was truncated or rewritten since the session's snapshot, where there is one: pg_dump in that snapshot
 * finds it empty and says nothing. (PostgreSQL's documentation, 13.6 Caveats.) One that was dropped since was dumped before, or not at all. The
 * session must read in steps.
 */
export async function readRewritten(
  session: PostgresSession,
  schemas: string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { schema, told } of await listRewritten(session, schemas))
    if (!found.has(schema)) found.set(schema, told);
  return found;
}

/** Throws `dump_incomplete` where one of these tables was. The session must read in steps. */
export async function refuseRewritten(
  session: PostgresSession,
  tables: PostgresTable[],
  what: string,
): Promise<void> {
  const names = new Set(tables.map(keyOf));
  const rewritten = await listRewritten(session, [...new Set(tables.map(({ schema }) => schema))]);
  const first = rewritten.find((table) => names.has(keyOf(table)));
  if (first === undefined) return;
  throw new HoldfastError('dump_incomplete', `${what}: ${whyRewritten(first.told)}`, {
    hint: 'Back up again.',
  });
}

/** As a sentence part. */
export function whyRewritten(table: string): string {
  return `${table} was truncated or rewritten as the dump began, and none of its rows is in it`;
}

interface Rewritten extends PostgresTable {
  /** As a person would write it. */
  told: string;
}

async function listRewritten(session: PostgresSession, schemas: string[]): Promise<Rewritten[]> {
  const rows = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name, c.oid::regclass::text AS told
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ANY ($1::text[]) AND c.relkind = 'r' AND c.relfilenode <> pg_relation_filenode(c.oid)
      ORDER BY 1, 2`,
    [schemas],
  );
  const found: Rewritten[] = [];
  for (const row of rows) {
    const table = { schema: String(row.schema), name: String(row.name), told: String(row.told) };
    if (!(await hasRows(session, table))) found.push(table);
  }
  return found;
}

/** VACUUM FULL, CLUSTER and another tablespace give a table another file too, in which the snapshot sees its rows as before. */
async function hasRows(session: PostgresSession, { schema, name }: PostgresTable): Promise<boolean> {
  const place = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const read = () => session.query(`SELECT EXISTS (SELECT FROM ONLY ${place}) AS some`);
  // One that cannot be read may be empty.
  const [row] = await step(session, read).catch(() => []);
  return row?.some === true;
}

function keyOf({ schema, name }: PostgresTable): string {
  return JSON.stringify([schema, name]);
}
