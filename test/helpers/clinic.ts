import type { TestServer } from './server.ts';

/** Rows of every table, as text by schema. */
export async function checksumsOf(server: TestServer, database: string): Promise<Record<string, string>> {
  const sum = `'SELECT count(*) || ''/'' || coalesce(sum(hashtextextended(x::text, 0)), 0) AS sum FROM ONLY %I.%I x'`;
  const rows = await server.sql(
    `SELECT n.nspname AS schema, string_agg(c.relname || ' ' || (xpath('//sum/text()',
        query_to_xml(format(${sum}, n.nspname, c.relname), false, true, '')))[1]::text, E'\\n' ORDER BY c.relname) AS sums
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' GROUP BY 1`,
    database,
  );
  return Object.fromEntries(rows.map(({ schema, sums }) => [String(schema), String(sums)]));
}
