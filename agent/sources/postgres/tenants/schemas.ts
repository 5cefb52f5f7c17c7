import { USER_SCHEMAS } from '../contents.ts';
import type { PostgresSession } from '../session.ts';

/** Schemas of the user's own that may be a tenant's, with the bytes that their tables and indexes take; null where nobody measured. */
export type Schemas = Map<string, number | null>;

/** What all tenants share stands in `public`, which is none. */
export async function readSchemas(session: PostgresSession): Promise<Schemas> {
  const rows = await session.query(
    `SELECT n.nspname AS name, coalesce(s.bytes, 0) AS bytes FROM pg_namespace n LEFT JOIN (
        SELECT c.relnamespace, sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
        WHERE c.relkind IN ('r', 'm') GROUP BY 1) s ON s.relnamespace = n.oid
      WHERE ${THOSE} ORDER BY 1`,
  );
  return new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes)]));
}

/** Their names alone: to measure thousands of tables takes seconds. */
export async function listSchemas(session: PostgresSession): Promise<string[]> {
  const rows = await session.query(`SELECT n.nspname AS name FROM pg_namespace n WHERE ${THOSE} ORDER BY 1`);
  return rows.map(({ name }) => String(name));
}

/** The bytes of one of them, as `readSchemas` counts them. */
export async function bytesOfSchema(session: PostgresSession, schema: string): Promise<number> {
  const [row] = await session.query(
    `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`,
    [schema],
  );
  return Number(row?.bytes);
}

const THOSE = `${USER_SCHEMAS} AND n.nspname <> 'public'`;

/** A schema that a restore replaced: `tenant_42_old_20261101_150000`. No tenant, whatever its pattern. */
export function isOwnSchema(name: string): boolean {
  return /_old_\d{8}_\d{6}$/.test(name);
}
