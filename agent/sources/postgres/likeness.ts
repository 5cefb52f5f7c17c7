import { statementError } from './errors.ts';
import { quoteIdentifier, quoteLiteral } from './names.ts';
import type { PostgresSession } from './session.ts';

/**
 * Gives a database what no dump of it holds and another one has: settings, comment, limit of connections, owner, rights.
 * Encoding, locale and tablespace it got when it was made.
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
    if (typeof row.comment === 'string') {
      await session.query(`COMMENT ON DATABASE ${name} IS ${quoteLiteral(row.comment)}`);
    }
    if (Number(row.connections) >= 0) {
      await session.query(`ALTER DATABASE ${name} CONNECTION LIMIT ${Number(row.connections)}`);
    }
    const owner = quoteIdentifier(String(row.owner));
    if (String(row.owner) !== session.user) await session.query(`ALTER DATABASE ${name} OWNER TO ${owner}`);
    if (row.plain !== true) await copyRights(session, name, owner, row.oid);
    await copySettings(session, name, row.oid);
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
    // Never by way of the session's own, which is still at work: read only, as another role, in another encoding.
    await session.query(`${whose} SET ${called} TO ${valueOf(String(setting), String(value))}`);
  }
}

/** The catalogue has one text for a list of names, `public, "odd, name"`; where each of them is quoted for itself, SET takes them one by one. */
function valueOf(setting: string, value: string): string {
  if (!LISTS_OF_NAMES.has(setting.toLowerCase())) return quoteLiteral(value);
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)];
  const texts = names.map(([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole);
  return texts.length === 0 ? "''" : texts.map(quoteLiteral).join(', ');
}

/** Those that the server marks GUC_LIST_QUOTE, as pg_dump has them; no extension may have one. */
const LISTS_OF_NAMES = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

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
