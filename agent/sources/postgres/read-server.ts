import type { PostgresSession } from './session.ts';

/** The server's major, its roles, and whether we are a superuser: to give objects to any role takes one, short of a member of all of them. */
export async function readServer(session: PostgresSession) {
  const roles = await session.query(
    'SELECT rolname AS name, rolsuper AND rolname = current_user AS super FROM pg_roles',
  );
  return {
    major: session.major,
    isSuperuser: roles.some((role) => role.super === true),
    roles: new Set(roles.map(({ name }) => String(name))),
  };
}
