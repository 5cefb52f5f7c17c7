import type { PostgresSourceConfig } from '../../config/config.ts';
import { counted } from '../../core/units.ts';
import { emptyMend } from '../accept-gaps.ts';
import { CONFIGURATION, notOfExtension, USER_SCHEMAS, type PostgresContents } from './contents.ts';
import { forEachLargeObject } from './large-objects.ts';
import { quoteIdentifier, tablePattern } from './names.ts';
import type { PostgresSession } from './session.ts';
import type { Gap } from '../source.ts';

interface Look {
  session: PostgresSession;
  config: PostgresSourceConfig;
  contents: PostgresContents;
}

/** What a dump by this role would lack, or fail on. */
export async function findPostgresGaps(
  session: PostgresSession,
  config: PostgresSourceConfig,
  contents: PostgresContents,
): Promise<Gap[]> {
  const look: Look = { session, config, contents };
  const gaps = [
    await tables(look),
    await rowSecurity(look),
    await largeObjects(look),
    await subscriptions(look),
    await userMappings(look),
    await rolePasswords(look),
    empty(look),
  ];
  return gaps.filter((gap) => gap !== null);
}

/** pg_dump locks and reads every table and sequence; one that it may not read ends it. */
async function tables(look: Look): Promise<Gap | null> {
  const rows = await look.session.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND ${USER_SCHEMAS}
        AND (c.oid IN (SELECT oid FROM ${CONFIGURATION} g) OR ${notOfExtension('pg_class', 'c.oid')})
        AND NOT (has_schema_privilege(n.oid, 'USAGE') AND
          CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END)
      ORDER BY 1, 2`,
  );
  if (rows.length === 0) return null;
  const right =
    look.session.major >= 14
      ? 'GRANT pg_read_all_data'
      : `GRANT USAGE ON SCHEMA ${schemasOf(rows)} TO ${role(look)}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schemasOf(rows)} TO ${role(look)}; GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${schemasOf(rows)}`;
  return {
    name: 'tables',
    detail: `${listed(rows)} cannot be read by ${look.session.user}`,
    mend: `${right} TO ${role(look)};`,
    objects: rows.map(patternOf),
  };
}

async function rowSecurity(look: Look): Promise<Gap | null> {
  const rows = await look.session.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND ${USER_SCHEMAS}
        AND NOT (NOT c.relforcerowsecurity AND pg_has_role(c.relowner, 'USAGE'))
        AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = current_user AND (r.rolsuper OR r.rolbypassrls))
      ORDER BY 1, 2`,
  );
  if (rows.length === 0) return null;
  const detail = `row security hides rows of ${listed(rows)} from ${look.session.user}`;
  return {
    name: 'row_security',
    detail,
    mend: `ALTER ROLE ${role(look)} BYPASSRLS;`,
    objects: rows.map(patternOf),
  };
}

/** pg_read_all_data does not reach large objects, and no grant covers those to come. */
async function largeObjects(look: Look): Promise<Gap | null> {
  const [row] = await look.session.query(
    `SELECT count(*) AS hidden FROM pg_largeobject_metadata l WHERE NOT pg_has_role(l.lomowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a
        WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))`,
  );
  const hidden = Number(row?.hidden);
  if (hidden === 0) return null;
  const detail = `${counted(hidden, 'large object')} cannot be read by ${look.session.user}`;
  const mend = forEachLargeObject('GRANT SELECT ON', 'TO', role(look));
  return { name: 'large_objects', detail, mend };
}

async function subscriptions(look: Look): Promise<Gap | null> {
  if (await isSuperuser(look)) return null;
  const [row] = await look.session.query(
    `SELECT count(s.oid) AS n FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()`,
  );
  if (Number(row?.n) === 0) return null;
  const detail = `subscriptions are dumped for superusers only, which ${look.session.user} is not`;
  return { name: 'subscriptions', detail, mend: `ALTER ROLE ${role(look)} SUPERUSER;` };
}

/** The rule of the view pg_user_mappings: whoever may not see the options gets nothing, and pg_dump dumps that nothing. */
async function userMappings(look: Look): Promise<Gap | null> {
  if (await isSuperuser(look)) return null;
  const rows = await look.session.query(
    `SELECT m.srvname AS name FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid
      WHERE NOT (
        (m.umuser <> 0 AND m.usename = current_user
          AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')))
        OR (m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')))
      ORDER BY 1`,
  );
  if (rows.length === 0) return null;
  const detail = `the options (passwords) of user mappings of ${String(rows[0]?.name)} are invisible to ${look.session.user}`;
  return { name: 'user_mappings', detail, mend: `ALTER ROLE ${role(look)} SUPERUSER;` };
}

async function rolePasswords(look: Look): Promise<Gap | null> {
  const [row] = await look.session.query(
    `SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS may`,
  );
  if (row?.may === true) return null;
  const detail = `password hashes of roles are invisible to ${look.session.user}`;
  const right = look.session.major >= 14 ? 'pg_read_all_data' : 'SELECT ON pg_catalog.pg_authid';
  return { name: 'role_passwords', detail, mend: `GRANT ${right} TO ${role(look)};` };
}

function empty({ config, contents }: Look): Gap | null {
  if (contents.tables.length > 0) return null;
  return {
    name: 'empty',
    detail: `${config.database} holds no tables`,
    mend: emptyMend(config),
  };
}

async function isSuperuser(look: Look): Promise<boolean> {
  const [row] = await look.session.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user');
  return row?.rolsuper === true;
}

function role(look: Look): string {
  return quoteIdentifier(look.session.user);
}

function patternOf(row: Record<string, unknown>): string {
  return tablePattern(String(row.schema), String(row.name));
}

function schemasOf(rows: Record<string, unknown>[]): string {
  return [...new Set(rows.map((row) => quoteIdentifier(String(row.schema))))].join(', ');
}

/** At most three names, and how many more. */
function listed(rows: Record<string, unknown>[]): string {
  const shown = rows
    .slice(0, 3)
    .map((row) => `${String(row.schema)}.${String(row.name)}`)
    .join(', ');
  return rows.length > 3 ? `${shown} and ${rows.length - 3} more` : shown;
}
