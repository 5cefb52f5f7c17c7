import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';

/** Gathers the statistics of a schema's tables, without which its first queries would be planned blindly. */
export async function analyzeSchema(session: PostgresSession, schema: string): Promise<void> {
  const tables = await session.query(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'm')`,
    [quoteIdentifier(schema)],
  );
  if (tables.length === 0) return;
  const named = tables.map(({ name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(String(name))}`);
  await session.query(`ANALYZE ${named.join(', ')}`);
}
