import type { PostgresSession } from '../session.ts';

/** What a schema needs of the database around it, as far as the catalog knows: what the text of a function names, it does not. */
export interface Needs {
  /** Objects outside the schema, as `catalog oid` of an archive's entry. */
  objects: Set<string>;
  extensions: Extension[];
  /** Owners and grantees. */
  roles: string[];
}

export interface Extension {
  name: string;
  version: string;
  schema: string;
}

/** The oids below are PostgreSQL's own: they are in every database. */
const FIRST_OWN_OID = 16_384;

/**
 * `own`: the schema's objects and what stands and falls with them. `needed`: what these depend on, and so on; a type of
 * an extension depends on the extension.
 */
const OBJECTS = `WITH RECURSIVE own (classid, objid) AS (
    SELECT d.classid, d.objid FROM pg_depend d
      WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1::oid AND d.deptype = 'n'
    UNION SELECT d.classid, d.objid FROM own o
      JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid AND d.deptype IN ('a', 'i')),
  needed (classid, objid) AS (
    SELECT d.refclassid, d.refobjid FROM own o JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
      WHERE d.refobjid >= ${FIRST_OWN_OID} AND (d.refclassid, d.refobjid) NOT IN (SELECT classid, objid FROM own)
        AND (d.refclassid, d.refobjid) <> ('pg_namespace'::regclass, $1::oid)
    UNION SELECT d.refclassid, d.refobjid FROM needed n JOIN pg_depend d ON d.classid = n.classid AND d.objid = n.objid
      WHERE d.refobjid >= ${FIRST_OWN_OID})`;

/** Reads it by a session in the dump's snapshot. */
export async function readNeeds(session: PostgresSession, schema: string): Promise<Needs> {
  const [namespace] = await session.query('SELECT oid::text FROM pg_namespace WHERE nspname = $1', [schema]);
  const oid = namespace?.oid;
  const objects = await session.query(
    `${OBJECTS} SELECT classid::oid::text AS catalog, objid::text AS oid FROM needed EXCEPT SELECT classid::oid::text, objid::text FROM own`,
    [oid],
  );
  const extensions = await session.query(
    `${OBJECTS} SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema
      FROM needed JOIN pg_extension e ON needed.classid = 'pg_extension'::regclass AND e.oid = needed.objid
        JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1`,
    [oid],
  );
  // Superusers that initdb made are in no list of dependencies: owners are asked for by themselves.
  const roles = await session.query(
    `${OBJECTS}, objects AS (SELECT * FROM own UNION SELECT * FROM needed UNION SELECT 'pg_namespace'::regclass, $1::oid)
      SELECT r.rolname AS name FROM pg_roles r WHERE r.oid IN (
        SELECT s.refobjid FROM objects o JOIN pg_shdepend s ON s.classid = o.classid AND s.objid = o.objid
          WHERE s.refclassid = 'pg_authid'::regclass
            AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        UNION SELECT c.relowner FROM pg_class c WHERE c.relnamespace = $1::oid
        UNION SELECT t.typowner FROM pg_type t WHERE t.typnamespace = $1::oid
        UNION SELECT p.proowner FROM pg_proc p WHERE p.pronamespace = $1::oid
        UNION SELECT n.nspowner FROM pg_namespace n WHERE n.oid = $1::oid)
      ORDER BY 1`,
    [oid],
  );
  return {
    objects: new Set(objects.map((row) => `${String(row.catalog)} ${String(row.oid)}`)),
    extensions: extensions.map((row) => ({
      name: String(row.name),
      version: String(row.version),
      schema: String(row.schema),
    })),
    roles: roles.map(({ name }) => String(name)),
  };
}

/** Extensions that live in the schema itself: a dump of a schema leaves them out unless they are named. */
export async function extensionsIn(session: PostgresSession, schema: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT e.extname AS name FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = $1 ORDER BY 1`,
    [schema],
  );
  return rows.map(({ name }) => String(name));
}

export interface LedTo {
  schema: string;
  name: string;
  bytes: number;
}

/** Tables outside the tenants' schemas to which foreign keys of these schemas lead, by other tables too, with their partitions. */
export async function tablesLedTo(
  session: PostgresSession,
  schemas: string[],
  tenants: string[],
): Promise<LedTo[]> {
  const rows = await session.query(
    `WITH RECURSIVE leads (parent, child) AS (
        SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'
        UNION ALL SELECT inhparent, inhrelid FROM pg_inherits),
      led (oid) AS (
        SELECT k.child FROM leads k JOIN pg_class c ON c.oid = k.parent JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = ANY ($1::text[])
        UNION SELECT k.child FROM led JOIN leads k ON k.parent = led.oid)
      SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS bytes
        FROM led JOIN pg_class c ON c.oid = led.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname <> ALL ($2::text[]) ORDER BY 1, 2`,
    [schemas, tenants],
  );
  return rows.map((row) => ({
    schema: String(row.schema),
    name: String(row.name),
    bytes: Number(row.bytes),
  }));
}
