import { quoteLiteral } from './names.ts';
import type { PostgresSession } from './session.ts';

/** What a database holds of that a dump may lack. */
export interface PostgresContents {
  /** Tables that hold rows of their own, partitions among them; no parents of partitions, no members of extensions. */
  tables: PostgresTable[];
  bytes: number;
}

export interface PostgresTable {
  schema: string;
  name: string;
}

/** Schemas of the user's own. */
export const USER_SCHEMAS = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;

/** One schema, or some; all of the user's own for null. */
export type OfSchemas = string | string[] | null;

/** A query with `USER_SCHEMAS` in it, of these schemas alone. */
export function ofSchema(sql: string, schemas: OfSchemas): string {
  if (schemas === null) return sql;
  const names = typeof schemas === 'string' ? [schemas] : schemas;
  // A function: in a text, `$` would mean something.
  return sql.replaceAll(USER_SCHEMAS, () => `n.nspname IN (${names.map(quoteLiteral).join(', ')})`);
}

/** The first oid that a server gives to what its users make. */
export const FIRST_OWN_OID = 16_384;

/** Not made by an extension, whose members come back by CREATE EXTENSION. */
export function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;
}

/**
 * Members of extensions that a dump holds rows or values of all the same, because the extension registered them (`pg_extension_config_dump`), with the
 * condition for their rows: `WHERE …`, or nothing.
 */
export const CONFIGURATION = `(SELECT u.oid, u.condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) u (oid, condition))`;

export async function readPostgresContents(session: PostgresSession): Promise<PostgresContents> {
  const tables = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${USER_SCHEMAS} AND ${notOfExtension('pg_class', 'c.oid')}
      ORDER BY 1, 2`,
  );
  const [size] = await session.query('SELECT pg_database_size(current_database()) AS bytes');
  return {
    tables: tables.map(({ schema, name }) => ({ schema: String(schema), name: String(name) })),
    bytes: Number(size?.bytes),
  };
}
