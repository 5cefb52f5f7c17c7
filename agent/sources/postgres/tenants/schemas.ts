import { USER_SCHEMAS } from '../contents.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';

/** Schemas of the user's own that may be a tenant's, with the bytes that their tables and indexes take; null where nobody measured. */
export type Schemas = Map<string, number | null>;

/** What all tenants share stands in `public`, which is none. */
export async function readSchemas(session: PostgresSession): Promise<Schemas> {
  const rows = await session.query(
    `SELECT n.nspname AS name, coalesce(s.bytes, 0) AS bytes
      FROM pg_namespace n LEFT JOIN (${sizes('true')}) s ON s.schema = n.oid
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
    `SELECT coalesce(sum(bytes), 0) AS bytes FROM (${sizes('c.relnamespace = to_regnamespace($1)')}) s`,
    [quoteIdentifier(schema)],
  );
  return Number(row?.bytes);
}

/**
 * Bytes of tables with what is stored beside their rows and their indexes, by schema. pg_total_relation_size would also count the maps of free and
 * visible pages, and takes five times as long for thousands of tables.
 */
function sizes(which: string): string {
  const tables = `pg_class c WHERE c.relkind IN ('r', 'm') AND ${which}`;
  return `SELECT x.schema, sum(pg_relation_size(x.oid)) AS bytes FROM (
      SELECT c.relnamespace AS schema, c.oid FROM ${tables}
      UNION ALL SELECT c.relnamespace, c.reltoastrelid FROM ${tables} AND c.reltoastrelid <> 0
      UNION ALL SELECT c.relnamespace, i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relkind IN ('r', 'm') AND ${which}) x GROUP BY 1`;
}

const THOSE = `${USER_SCHEMAS} AND n.nspname <> 'public'`;

/** A schema that a restore replaced: `tenant_42_old_20261101_150000`. No tenant, whatever its pattern. */
export function isOwnSchema(name: string): boolean {
  return /_old_\d{8}_\d{6}$/.test(name);
}
