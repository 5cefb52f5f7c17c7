import type { PostgresSession } from '../session.ts';

/**
 * A table of each of some schemas that was truncated or rewritten since the session's snapshot, where there is one: pg_dump in that snapshot
 * finds it empty and says nothing. (PostgreSQL's documentation, 13.6 Caveats.) One that was dropped since was dumped before, or not at all.
 */
export async function readRewritten(
  session: PostgresSession,
  schemas: string[],
): Promise<Map<string, string>> {
  const rows = await session.query(REWRITTEN, [schemas]);
  return new Map(rows.map(({ schema, name }) => [String(schema), String(name)]));
}

const REWRITTEN = `SELECT n.nspname AS schema, min(c.oid::regclass::text) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'm') AND c.relfilenode <> pg_relation_filenode(c.oid)
  GROUP BY n.nspname`;

/** As a sentence part. */
export function whyRewritten(table: string): string {
  return `${table} was truncated or rewritten while tenants were dumped, and is perhaps empty in the dump`;
}
