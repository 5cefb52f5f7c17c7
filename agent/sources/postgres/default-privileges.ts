import type { PostgresSession } from './session.ts';

/**
 * Makes the default privileges of the whole database, which go with no schema, those of a new one: they would change the rights of what is
 * made from now on, and a dump says rights as what differs from the built-in ones. Those of roles whose rights the session's user has not
 * stay; they touch nothing that it makes.
 */
export async function forgetDefaultPrivileges(session: PostgresSession): Promise<void> {
  for (const { statement } of await session.query(FORGET)) await session.query(String(statement));
}

const WHO = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE format('%I', pg_get_userbyid(a.grantee)) END`;

/** What is equal to the built-in ones the server keeps no longer. */
const FORGET = `WITH own AS (
    SELECT d.defaclrole AS role, d.defaclacl AS rights,
      acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) AS plain,
      CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS kind
      FROM pg_default_acl d WHERE d.defaclnamespace = 0 AND pg_has_role(d.defaclrole, 'USAGE'))
  SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I ', pg_get_userbyid(role)) || change AS statement
    FROM own, LATERAL (
      SELECT 1, format('REVOKE ALL ON %s FROM %s', kind, ${WHO}) FROM aclexplode(rights) a
      UNION SELECT 2, format('GRANT %s ON %s TO %s', a.privilege_type, kind, ${WHO}) FROM aclexplode(plain) a
    ) c (place, change) ORDER BY place`;
