import { quoteLiteral } from './names.ts';
import type { PostgresSession } from './session.ts';

/**
 * Makes the default privileges of the whole database, which go with no schema, those of a new one: they would change the rights of what is
 * made from now on, and a dump says rights as what differs from the built-in ones. Those of roles whose rights the session's user has not
 * stay; they touch nothing that it makes.
 */
export async function forgetDefaultPrivileges(session: PostgresSession): Promise<void> {
  await run(session, clearing("d.defaclnamespace = 0 AND pg_has_role(d.defaclrole, 'USAGE')"));
}

/**
 * Does some work, in the transaction that the session is in, without the default privileges that would act on what its user makes in these
 * schemas, and puts them back: they would give others rights that what is restored did not have.
 */
export async function withoutDefaultPrivileges<T>(
  session: PostgresSession,
  schemas: Iterable<string>,
  work: () => Promise<T>,
): Promise<T> {
  const names = [...new Set(schemas)].map(quoteLiteral);
  const inThese = names.length === 0 ? '' : ` OR n.nspname IN (${names.join(', ')})`;
  const which = `pg_get_userbyid(d.defaclrole) = current_user AND (d.defaclnamespace = 0${inThese})`;
  const back = await session.query(puttingBack(which));
  await run(session, clearing(which));
  const done = await work();
  for (const { statement } of back) await session.query(String(statement));
  return done;
}

async function run(session: PostgresSession, statements: string): Promise<void> {
  for (const { statement } of await session.query(statements)) await session.query(String(statement));
}

const WHO = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE format('%I', pg_get_userbyid(a.grantee)) END`;

const OPTION = `CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`;

/** `plain`: what holds without any; in a schema they only add to that. */
const those = (which: string) => `WITH those AS (
    SELECT d.defaclacl AS rights,
      CASE d.defaclnamespace WHEN 0
        THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END AS plain,
      format('ALTER DEFAULT PRIVILEGES FOR ROLE %I ', pg_get_userbyid(d.defaclrole)) || coalesce('IN SCHEMA ' || quote_ident(n.nspname) || ' ', '') AS alter,
      CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS kind
      FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE ${which})`;

/** From one set of rights to another; what is equal to the plain ones the server keeps no longer. */
const change = (which: string, from: string, to: string) => `${those(which)}
  SELECT alter || change AS statement
    FROM those, LATERAL (
      SELECT 1, format('REVOKE ALL ON %s FROM %s', kind, ${WHO}) FROM aclexplode(${from}) a
      UNION SELECT 2, format('GRANT %s ON %s TO %s', a.privilege_type, kind, ${WHO}) || ${OPTION} FROM aclexplode(${to}) a
    ) c (place, change) ORDER BY place`;

const clearing = (which: string) => change(which, 'rights', 'plain');
const puttingBack = (which: string) => change(which, 'plain', 'rights');
