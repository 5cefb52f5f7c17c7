import { statementError } from './errors.ts';
import { quoteIdentifier, quoteLiteral } from './names.ts';
import type { PostgresSession } from './session.ts';

/**
 * Gives a database what no dump of it holds and another one has: settings, comment, limit of connections, owner, rights.
 * Encoding and locale it got when it was made.
 */
export async function makeAlike(session: PostgresSession, fresh: string, like: string): Promise<void> {
  const name = quoteIdentifier(fresh);
  try {
    const [row] = await session.query(
      `SELECT oid, pg_get_userbyid(datdba) AS owner, datconnlimit AS connections, datacl IS NULL AS plain,
        shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`,
      [like],
    );
    if (row === undefined) return;
    await copySettings(session, name, row.oid);
    if (typeof row.comment === 'string') {
      await session.query(`COMMENT ON DATABASE ${name} IS ${quoteLiteral(row.comment)}`);
    }
    if (Number(row.connections) >= 0) {
      await session.query(`ALTER DATABASE ${name} CONNECTION LIMIT ${Number(row.connections)}`);
    }
    const owner = quoteIdentifier(String(row.owner));
    if (String(row.owner) !== session.user) await session.query(`ALTER DATABASE ${name} OWNER TO ${owner}`);
    if (row.plain !== true) await copyRights(session, name, owner, row.oid);
  } catch (error) {
    throw statementError(error, `cannot give the restored database what ${like} has`, null);
  }
}

async function copySettings(session: PostgresSession, name: string, oid: unknown): Promise<void> {
  const settings = await session.query(
    `SELECT r.rolname AS role, split_part(c, '=', 1) AS setting, substr(c, strpos(c, '=') + 1) AS value
      FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c WHERE s.setdatabase = $1`,
    [oid],
  );
  for (const { role, setting, value } of settings) {
    const whose =
      typeof role === 'string'
        ? `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${name}`
        : `ALTER DATABASE ${name}`;
    const called = String(setting).split('.').map(quoteIdentifier).join('.');
    try {
      // A list such as search_path is one text in the catalogue: the session takes it as it stands there.
      await session.query('SELECT set_config($1, $2, false)', [setting, value]);
      await session.query(`${whose} SET ${called} FROM CURRENT`);
    } catch {
      // Some hold from the beginning of a session on, and no session can set them.
      await session.query(`${whose} SET ${called} TO ${quoteLiteral(String(value))}`);
    } finally {
      await session.query('SET search_path = pg_catalog');
    }
  }
}

async function copyRights(
  session: PostgresSession,
  name: string,
  owner: string,
  oid: unknown,
): Promise<void> {
  const rights = await session.query(
    `SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS grantee,
      a.privilege_type AS privilege, a.is_grantable AS grantable
      FROM pg_database d, aclexplode(d.datacl) a WHERE d.oid = $1`,
    [oid],
  );
  await session.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC, ${owner}`);
  for (const { grantee, privilege, grantable } of rights) {
    const to = typeof grantee === 'string' ? quoteIdentifier(grantee) : 'PUBLIC';
    await session.query(
      `GRANT ${String(privilege)} ON DATABASE ${name} TO ${to}${grantable === true ? ' WITH GRANT OPTION' : ''}`,
    );
  }
}
