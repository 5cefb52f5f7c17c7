import { told } from '../../../core/role-words.ts';
import type { Lacking, RolesPlan, RoleStatement } from '../../roles.ts';
import { quoteIdentifier } from '../names.ts';
import { chooseRoles, type ChosenRoles } from './choose.ts';
import type { Globals, StoredRole } from './globals-script.ts';
import { isForAdministration, type Membership } from './membership.ts';
import { requireRights } from './rights.ts';
import type { RolesThere } from './server.ts';

/** What it takes to make the roles that are lacking out of stored globals, statement by statement. Throws as `Roles.plan`. */
export function planRoles(lacking: Lacking, globals: Globals, there: RolesThere): RolesPlan {
  const chosen = chooseRoles(lacking, globals, there.roles);
  requireRights(chosen, lacking, there);
  return {
    roles: chosen.roles.map(({ name, attributes }) => ({ name, powers: attributes })),
    warnings: [...leftOut(chosen, there), ...withoutPassword(chosen, globals)],
    statements: [
      ...chosen.roles.map(create),
      ...chosen.roles.flatMap(describe),
      ...chosen.memberships.map((membership) => grant(membership, there)),
      ...parameterRights(chosen, globals),
    ],
  };
}

/** A superuser needs no membership to do what its members may, and whoever makes a role has what is for administration. */
function leftOut({ skipped }: ChosenRoles, there: RolesThere): string[] {
  const hasIt = (membership: Membership) =>
    there.major >= 16 && membership.member === there.user && isForAdministration(membership);
  return skipped
    .filter((membership) => there.roles.get(membership.member) !== true && !hasIt(membership))
    .map(
      (membership) =>
        `role "${membership.member}" was there and is left as it is: it was a member of "${membership.role}", which \`${grantSql(membership, there)};\` makes it again`,
    );
}

/** Some log in without one, by a certificate say; where no role has one, they were not stored. */
function withoutPassword({ roles }: ChosenRoles, { roles: stored }: Globals): string[] {
  if ([...stored.values()].some(({ password }) => password !== null)) return [];
  const names = roles.filter(({ attributes }) => attributes.includes('LOGIN')).map(({ name }) => name);
  const [first] = names;
  if (first === undefined) return [];
  return [
    `${told(names)} ${names.length === 1 ? 'gets' : 'get'} no password, for the stored globals hold none: \`ALTER ROLE ${quoteIdentifier(first)} PASSWORD '…';\``,
  ];
}

function create({ name, attributes, password, validUntil }: StoredRole): RoleStatement {
  const all = [
    ...attributes,
    ...(password === null ? [] : [`PASSWORD ${password}`]),
    ...(validUntil === null ? [] : [`VALID UNTIL ${validUntil}`]),
  ];
  const what = `role "${name}"`;
  return {
    sql: [`CREATE ROLE ${quoteIdentifier(name)}`, ...(all.length === 0 ? [] : ['WITH', ...all])].join(' '),
    orElse: null,
    what,
  };
}

function describe({ name, comment, settings }: StoredRole): RoleStatement[] {
  const [role, what] = [quoteIdentifier(name), `role "${name}"`];
  return [
    ...(comment === null
      ? []
      : [
          { sql: `COMMENT ON ROLE ${role} IS ${comment}`, orElse: `role "${name}" has no comment yet`, what },
        ]),
    ...settings.map((setting) => ({
      sql: `ALTER ROLE ${role} SET ${setting}`,
      orElse: `role "${name}" lacks its setting ${parameterOf(setting)}`,
      what,
    })),
  ];
}

/** Its value may be a secret. */
function parameterOf(setting: string): string {
  return setting.replace(/\s+TO\s[^]*$/, '');
}

/** Whoever granted it may not be there, or may not grant it any more: it is granted by the user that restores. */
function grant(membership: Membership, there: RolesThere): RoleStatement {
  const { role, member } = membership;
  return {
    sql: grantSql(membership, there),
    orElse: null,
    what: `membership of role "${member}" in "${role}"`,
  };
}

/** PostgreSQL before 16 knows no other option than ADMIN. */
function grantSql({ role, member, admin, inherit, set }: Membership, { major }: RolesThere): string {
  const all = [
    ...(admin ? ['ADMIN OPTION'] : []),
    ...(inherit === null || major < 16 ? [] : [`INHERIT ${inherit ? 'TRUE' : 'FALSE'}`]),
    ...(set || major < 16 ? [] : ['SET FALSE']),
  ];
  return `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(member)}${all.length === 0 ? '' : ` WITH ${all.join(', ')}`}`;
}

/** None but a superuser may give them, and none is known before PostgreSQL 15. */
function parameterRights({ roles }: ChosenRoles, { parameterRights: all }: Globals): RoleStatement[] {
  const names = new Set(roles.map(({ name }) => name));
  return all
    .filter(({ role }) => names.has(role))
    .map(({ role, sql }) => ({
      sql,
      orElse: `role "${role}" lacks a right: ${sql}`,
      what: `role "${role}"`,
    }));
}
