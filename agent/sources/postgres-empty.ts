import { HoldfastError } from '../core/errors.ts';
import { USER_SCHEMAS } from './postgres-contents.ts';
import { statementError } from './postgres-errors.ts';
import { quoteIdentifier } from './postgres-names.ts';
import type { PostgresSession } from './postgres-session.ts';

/**
 * Removes every object of the database that the session is in, in one transaction: it is empty afterwards or as it was.
 * `public` comes back with the owner and the rights that it had.
 */
export async function emptyDatabase(session: PostgresSession, target: string): Promise<void> {
  try {
    await session.query('BEGIN');
    for (const { list, drop } of ABOVE_SCHEMAS) {
      for (const { name } of await session.query(list))
        await session.query(drop(quoteIdentifier(String(name))));
    }
    await session.query('SELECT lo_unlink(oid) FROM pg_largeobject_metadata');
    for (const { name } of await session.query(
      `SELECT nspname AS name FROM pg_namespace n WHERE ${USER_SCHEMAS}`,
    )) {
      if (name === 'public') await renewPublic(session);
      else await session.query(`DROP SCHEMA ${quoteIdentifier(String(name))} CASCADE`);
    }
    await requireEmpty(session, target);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    const mend = `ALTER DATABASE ${quoteIdentifier(target)} OWNER TO ${quoteIdentifier(session.user)};`;
    throw statementError(error, `cannot empty the database ${target}`, mend);
  }
}

/** What stands in no schema. Event triggers first: they could forbid the rest. */
const ABOVE_SCHEMAS: { list: string; drop: (name: string) => string }[] = [
  {
    list: 'SELECT evtname AS name FROM pg_event_trigger',
    drop: (name) => `DROP EVENT TRIGGER IF EXISTS ${name} CASCADE`,
  },
  {
    list: 'SELECT pubname AS name FROM pg_publication',
    drop: (name) => `DROP PUBLICATION IF EXISTS ${name} CASCADE`,
  },
  {
    list: 'SELECT srvname AS name FROM pg_foreign_server',
    drop: (name) => `DROP SERVER IF EXISTS ${name} CASCADE`,
  },
  {
    list: "SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql'",
    drop: (name) => `DROP EXTENSION IF EXISTS ${name} CASCADE`,
  },
];

async function renewPublic(session: PostgresSession): Promise<void> {
  const [schema] = await session.query(
    `SELECT pg_get_userbyid(nspowner) AS owner, nspacl IS NULL AS plain FROM pg_namespace WHERE nspname = 'public'`,
  );
  const grants = await session.query(
    `SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS grantee,
      a.privilege_type AS privilege, a.is_grantable AS grantable
      FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee <> n.nspowner`,
  );
  const owner = quoteIdentifier(String(schema?.owner));
  await session.query('DROP SCHEMA public CASCADE');
  await session.query(`CREATE SCHEMA public AUTHORIZATION ${owner}`);
  await session.query("COMMENT ON SCHEMA public IS 'standard public schema'");
  for (const { grantee, privilege, grantable } of grants) {
    const to = typeof grantee === 'string' ? quoteIdentifier(grantee) : 'PUBLIC';
    const option = grantable === true ? ' WITH GRANT OPTION' : '';
    await session.query(`GRANT ${String(privilege)} ON SCHEMA public TO ${to}${option}`);
  }
}

async function requireEmpty(session: PostgresSession, target: string): Promise<void> {
  const [left] = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${USER_SCHEMAS} LIMIT 1`,
  );
  if (left === undefined) return;
  throw new HoldfastError(
    'target_not_empty',
    `${String(left.schema)}.${String(left.name)} is still in ${target}`,
  );
}
