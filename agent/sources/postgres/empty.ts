import { HoldfastError } from '../../core/errors.ts';
import { errorFields } from '../error-fields.ts';
import { USER_SCHEMAS } from './contents.ts';
import { codeOf, statementError } from './errors.ts';
import { forEachLargeObject } from './large-objects.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';

/**
 * Removes every object of the database that the session is in, in one transaction: it is empty afterwards or as it was.
 * `public` comes back with the owner and the rights that it had.
 */
export async function emptyDatabase(session: PostgresSession, target: string): Promise<void> {
  try {
    await session.query('BEGIN');
    await emptyWithin(session, target);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw statementError(error, `cannot empty the database ${target}`, null);
  }
}

/** In the transaction that the session is in. */
export async function emptyWithin(session: PostgresSession, target: string): Promise<void> {
  const user = quoteIdentifier(session.user);
  /** To own the database is not enough: each object has an owner of its own, who alone may drop it. */
  const drop = (work: () => Promise<unknown>, give: string | null) => attempt(session, target, work, give);
  for (const kind of ABOVE_SCHEMAS) {
    for (const name of await namesOf(session, kind.list)) {
      await drop(() => session.query(kind.drop(name)), kind.give?.(name, user) ?? null);
    }
  }
  await drop(
    () => session.query('SELECT lo_unlink(oid) FROM pg_largeobject_metadata'),
    forEachLargeObject('ALTER', 'OWNER TO', user),
  );
  for (const name of await namesOf(
    session,
    `SELECT nspname AS name FROM pg_namespace n WHERE ${USER_SCHEMAS}`,
  )) {
    const renew = name === quoteIdentifier('public');
    await drop(
      () => (renew ? renewPublic(session) : session.query(`DROP SCHEMA ${name} CASCADE`)),
      `ALTER SCHEMA ${name} OWNER TO ${user};`,
    );
  }
  await requireEmpty(session, target);
}

/** Names that are ready to stand in a statement. */
async function namesOf(session: PostgresSession, list: string): Promise<string[]> {
  return (await session.query(list)).map(({ name }) => quoteIdentifier(String(name)));
}

/** `give`: what makes the session's user the owner; null where only a superuser can be that. */
async function attempt(
  session: PostgresSession,
  target: string,
  work: () => Promise<unknown>,
  give: string | null,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (give === null && codeOf(error) === DENIED) {
      throw new HoldfastError(
        'rights_missing',
        `cannot empty the database ${target}: ${errorFields(error).message}`,
        {
          hint: `Restore as a superuser: ${session.user} cannot own that (docs/runbook.md, "Restore as another user").`,
          cause: error,
        },
      );
    }
    const where = `-- in the database ${quoteIdentifier(target)}`;
    throw statementError(
      error,
      `cannot empty the database ${target}`,
      give === null ? null : `${give} ${where}`,
    );
  }
}

/** insufficient_privilege */
const DENIED = '42501';

interface Kind {
  list: string;
  drop: (name: string) => string;
  /** What makes somebody its owner; left out where that takes a superuser. */
  give?: (name: string, user: string) => string;
}

/** What stands in no schema. Event triggers first: they could forbid the rest. */
const ABOVE_SCHEMAS: Kind[] = [
  {
    list: 'SELECT evtname AS name FROM pg_event_trigger',
    drop: (name) => `DROP EVENT TRIGGER IF EXISTS ${name} CASCADE`,
  },
  {
    list: 'SELECT pubname AS name FROM pg_publication',
    drop: (name) => `DROP PUBLICATION IF EXISTS ${name} CASCADE`,
    give: (name, user) => `ALTER PUBLICATION ${name} OWNER TO ${user};`,
  },
  {
    list: 'SELECT srvname AS name FROM pg_foreign_server',
    drop: (name) => `DROP SERVER IF EXISTS ${name} CASCADE`,
    give: (name, user) => `ALTER SERVER ${name} OWNER TO ${user};`,
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
