import { FIRST_OWN_OID } from '../contents.ts';
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

/**
 * `own`: the objects of each schema (its oid is their `root`) and what stands and falls with them. `needed`: what these depend on, and so on; a
 * type of an extension depends on the extension.
 */
const OBJECTS = `WITH RECURSIVE own (root, classid, objid) AS (
    SELECT d.refobjid, d.classid, d.objid FROM pg_depend d
      WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = ANY ($1::oid[]) AND d.deptype = 'n'
    UNION SELECT o.root, d.classid, d.objid FROM own o
      JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid AND d.deptype IN ('a', 'i')),
  needed (root, classid, objid) AS (
    SELECT o.root, d.refclassid, d.refobjid FROM own o JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
      WHERE d.refobjid >= ${FIRST_OWN_OID} AND (o.root, d.refclassid, d.refobjid) NOT IN (SELECT root, classid, objid FROM own)
        AND (d.refclassid, d.refobjid) <> ('pg_namespace'::regclass, o.root)
    UNION SELECT n.root, d.refclassid, d.refobjid FROM needed n JOIN pg_depend d ON d.classid = n.classid AND d.objid = n.objid
      WHERE d.refobjid >= ${FIRST_OWN_OID})`;

/** Reads it by a session in the dumps' snapshot, for each of some schemas. */
export async function readNeeds(session: PostgresSession, schemas: string[]): Promise<Map<string, Needs>> {
  const namespaces = await session.query(
    'SELECT oid::text, nspname AS name FROM pg_namespace WHERE nspname = ANY ($1::text[])',
    [schemas],
  );
  const needs = new Map<string, Needs>();
  const byRoot = new Map<string, Needs>();
  for (const { oid, name } of namespaces) {
    const of: Needs = { objects: new Set(), extensions: [], roles: [] };
    needs.set(String(name), of);
    byRoot.set(String(oid), of);
  }
  const ask = async (sql: string, take: (of: Needs, row: Record<string, unknown>) => void) => {
    for (const row of await session.query(`${OBJECTS} ${sql}`, [[...byRoot.keys()]])) {
      const of = byRoot.get(String(row.root));
      if (of !== undefined) take(of, row);
    }
  };
  await ask(
    `SELECT root::text, classid::oid::text AS catalog, objid::text AS oid FROM needed
      EXCEPT SELECT root::text, classid::oid::text, objid::text FROM own`,
    ({ objects }, { catalog, oid }) => objects.add(`${String(catalog)} ${String(oid)}`),
  );
  await ask(
    `SELECT needed.root::text, e.extname AS name, e.extversion AS version, n.nspname AS schema
      FROM needed JOIN pg_extension e ON needed.classid = 'pg_extension'::regclass AND e.oid = needed.objid
        JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 2`,
    ({ extensions }, { name, version, schema }) =>
      extensions.push({ name: String(name), version: String(version), schema: String(schema) }),
  );
  // Superusers that initdb made are in no list of dependencies: owners are asked for by themselves.
  await ask(
    `, objects AS (SELECT * FROM own UNION SELECT * FROM needed
        UNION SELECT oid, 'pg_namespace'::regclass, oid FROM pg_namespace WHERE oid = ANY ($1::oid[]))
      SELECT DISTINCT u.root::text, r.rolname AS name FROM (
        SELECT o.root, s.refobjid AS role FROM objects o JOIN pg_shdepend s ON s.classid = o.classid AND s.objid = o.objid
          WHERE s.refclassid = 'pg_authid'::regclass
            AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        UNION SELECT c.relnamespace, c.relowner FROM pg_class c WHERE c.relnamespace = ANY ($1::oid[])
        UNION SELECT t.typnamespace, t.typowner FROM pg_type t WHERE t.typnamespace = ANY ($1::oid[])
        UNION SELECT p.pronamespace, p.proowner FROM pg_proc p WHERE p.pronamespace = ANY ($1::oid[])
        UNION SELECT n.oid, n.nspowner FROM pg_namespace n WHERE n.oid = ANY ($1::oid[])) u
      JOIN pg_roles r ON r.oid = u.role ORDER BY 2`,
    ({ roles }, { name }) => roles.push(String(name)),
  );
  return needs;
}

/** Extensions that live in the schema itself: a dump of a schema leaves them out unless they are named. */
export async function extensionsIn(
  session: PostgresSession,
  schemas: string[],
): Promise<{ name: string; schema: string }[]> {
  const rows = await session.query(
    `SELECT e.extname AS name, n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
      WHERE n.nspname = ANY ($1::text[]) ORDER BY 1`,
    [schemas],
  );
  return rows.map(({ name, schema }) => ({ name: String(name), schema: String(schema) }));
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
