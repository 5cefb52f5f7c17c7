import { HoldfastError } from '../../../core/errors.ts';
import { errorFields } from '../../error-fields.ts';
import type { DroppedRoles, MadeRole, RolesPlan, RoleStatement } from '../../roles.ts';
import { codeOf, statementError } from '../errors.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';

/** Makes the roles of a plan in one transaction: `Roles.make` says what is promised. */
export async function makeRoles(
  session: PostgresSession,
  { roles, statements }: RolesPlan,
  onMade: (made: MadeRole[]) => void,
): Promise<string[]> {
  const warnings: string[] = [];
  await session.query('BEGIN');
  try {
    await session.query('SET LOCAL standard_conforming_strings = on');
    for (const setting of SILENT) await attempt(session, `SET LOCAL ${setting}`);
    for (const statement of statements) {
      if (statement.orElse === null) await session.query(statement.sql).catch(refuse(statement));
      else if (!(await attempt(session, statement.sql))) warnings.push(statement.orElse);
    }
    const names = roles.map(({ name }) => name);
    const made = await session.query(
      'SELECT rolname AS name, oid::text AS oid FROM pg_roles WHERE rolname = ANY ($1)',
      [names],
    );
    onMade(made.map(({ name, oid }) => ({ name: String(name), oid: String(oid) })));
    await session.query('COMMIT');
    return warnings;
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw statementError(error, 'cannot create the roles of the dump', null);
  }
}

/** The statements hold hashes of passwords, and the server shall not write them down. None but a superuser may ask for that. */
const SILENT = [
  "log_statement = 'none'",
  'log_min_duration_statement = -1',
  "log_min_error_statement = 'panic'",
  "pg_stat_statements.track = 'none'",
];

/** Whether the server took it; what it refused has done nothing. */
async function attempt(session: PostgresSession, sql: string): Promise<boolean> {
  await session.query('SAVEPOINT holdfast');
  try {
    await session.query(sql);
    await session.query('RELEASE SAVEPOINT holdfast');
    return true;
  } catch (error) {
    // A connection that is gone does not come back for it.
    await session.query('ROLLBACK TO SAVEPOINT holdfast').catch(() => {
      throw error;
    });
    return false;
  }
}

const SYNTAX_ERROR = '42601';
const EXISTS = '42710';

/** Without the error as its cause, and without words that may quote a literal. */
function refuse({ what }: RoleStatement): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    const known = statementError(error, `cannot create the ${what}`, null);
    if (known.kind === 'source_unreachable') throw known;
    const said = code === SYNTAX_ERROR ? `SQLSTATE ${code}` : errorFields(error).message;
    const kind = known.kind === 'rights_missing' ? known.kind : 'restore_failed';
    throw new HoldfastError(kind, `cannot create the ${what}: ${said}; nothing was changed`, {
      hint:
        code === EXISTS
          ? 'It was created by somebody else meanwhile: restore again.'
          : 'Restore as a superuser, or create it by hand; for another environment: --no-owner.',
    });
  };
}

/** Drops roles in one transaction, all or none: `Roles.drop` says what is promised. */
export async function dropRoles(session: PostgresSession, made: MadeRole[]): Promise<DroppedRoles> {
  const there = await stillThere(session, made);
  const names = there.map(({ name }) => name);
  await session.query('BEGIN');
  try {
    if (session.major >= 15) await revokeParameters(session, there);
    for (const name of names) await session.query(`DROP ROLE ${quoteIdentifier(name)}`);
    await session.query('COMMIT');
    return { dropped: names, left: [] };
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    const known = statementError(error, 'cannot drop the roles that were made', null);
    if (known.kind === 'source_unreachable') throw known;
    return { dropped: [], left: names };
  }
}

/** Another one of the same name is not ours to drop. */
async function stillThere(session: PostgresSession, made: MadeRole[]): Promise<MadeRole[]> {
  const rows = await session.query('SELECT rolname AS name, oid::text AS oid FROM pg_roles');
  return made.filter(({ name, oid }) => rows.some((row) => row.name === name && row.oid === oid));
}

/** They would keep the role. */
async function revokeParameters(session: PostgresSession, roles: MadeRole[]): Promise<void> {
  const rights = await session.query(
    `SELECT DISTINCT parname AS name, grantee::regrole::text AS role FROM pg_parameter_acl, aclexplode(paracl)
      WHERE grantee = ANY ($1::oid[])`,
    [roles.map(({ oid }) => oid)],
  );
  for (const { name, role } of rights)
    await session.query(`REVOKE ALL ON PARAMETER ${String(name)} FROM ${String(role)}`);
}
