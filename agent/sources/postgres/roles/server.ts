import type { PostgresSession } from '../session.ts';

/** What a server has of roles, and what the user that restores may do with them. */
export interface RolesThere {
  major: number;
  user: string;
  /** The powers of the user, as CREATE ROLE calls them. */
  powers: Set<string>;
  /** By name: whether it is a superuser. */
  roles: Map<string, boolean>;
  tablespaces: Set<string>;
}

export async function readRolesThere(session: PostgresSession): Promise<RolesThere> {
  const roles = await session.query(
    `SELECT rolname AS name, rolname = current_user AS own, rolsuper AS "SUPERUSER", rolcreaterole AS "CREATEROLE",
      rolcreatedb AS "CREATEDB", rolreplication AS "REPLICATION", rolbypassrls AS "BYPASSRLS" FROM pg_roles`,
  );
  const tablespaces = await session.query('SELECT spcname AS name FROM pg_tablespace');
  const own = roles.find((role) => role.own === true) ?? {};
  return {
    major: session.major,
    user: session.user,
    powers: new Set(POWERS.filter((power) => own[power] === true)),
    roles: new Map(roles.map(({ name, SUPERUSER }) => [String(name), SUPERUSER === true])),
    tablespaces: new Set(tablespaces.map(({ name }) => String(name))),
  };
}

export function isSuperuser({ powers }: RolesThere): boolean {
  return powers.has('SUPERUSER');
}

const POWERS = ['SUPERUSER', 'CREATEROLE', 'CREATEDB', 'REPLICATION', 'BYPASSRLS'];
