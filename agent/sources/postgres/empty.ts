import { HoldfastError } from '../../core/errors.ts';
import { errorFields } from '../error-fields.ts';
import { ABOVE_SCHEMAS } from './above-schemas.ts';
import { USER_SCHEMAS } from './contents.ts';
import { forgetDefaultPrivileges } from './default-privileges.ts';
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
  await drop(() => forgetDefaultPrivileges(session), null);
  const schemas = `SELECT nspname AS name FROM pg_namespace n WHERE ${USER_SCHEMAS}`;
  for (const schema of await namesOf(session, schemas)) {
    const name = quoteIdentifier(schema);
    await drop(
      () => (schema === 'public' ? renewPublic(session) : session.query(`DROP SCHEMA ${name} CASCADE`)),
      `ALTER SCHEMA ${name} OWNER TO ${user};`,
    );
  }
  await requireEmpty(session, target);
}

async function namesOf(session: PostgresSession, list: string): Promise<string[]> {
  return (await session.query(list)).map(({ name }) => String(name));
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
