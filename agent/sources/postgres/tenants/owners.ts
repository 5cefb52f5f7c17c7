import { HoldfastError } from '../../../core/errors.ts';
import type { Owners } from '../../source.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { neededOf } from '../roles/needed.ts';
import { requireRoles } from '../roles/require.ts';
import type { PostgresSession } from '../session.ts';

/**
 * Whether objects get their owners and rights back: asked for, and to be had by a superuser or by a member of every role that owns one.
 * Throws `restore_failed` where a role is gone that owns something, or that has rights which come back, and `rights_missing` where they were asked
 * for and cannot be given.
 */
export async function mayKeepOwners(
  session: PostgresSession,
  entries: WholeEntry[],
  owners: Owners,
): Promise<boolean> {
  if (owners === 'leave') return false;
  const needed = neededOf(entries, { owners: true });
  // Also of what is not made but there, such as an extension's, where rights on it come back.
  const givers = entries.filter(({ kind }) => kind === 'ACL').map(({ owner }) => owner);
  const rows = await session.query(
    `SELECT n AS name, r.oid IS NOT NULL AS there, coalesce(pg_has_role(r.oid, 'MEMBER'), false) AS may
      FROM unnest($1::text[]) n LEFT JOIN pg_roles r ON r.rolname = n`,
    [[...new Set([...needed.roles, ...givers])]],
  );
  const there = rows.filter((row) => row.there === true);
  const foreign = there.find(
    ({ name, may }) => may !== true && [...needed.owners, ...givers].includes(String(name)),
  );
  const ownerIsGone = rows.some((row) => row.there !== true && needed.owners.includes(String(row.name)));
  // Rights that do not come back need nobody.
  requireRoles(entries, {
    roles: new Set(there.map(({ name }) => String(name))),
    ownersKept: ownerIsGone || foreign === undefined || owners === 'keep',
  });
  if (foreign !== undefined && owners === 'keep')
    throw new HoldfastError(
      'rights_missing',
      `${session.user} may not give anything to role "${String(foreign.name)}"`,
      {
        hint: `Restore as a superuser, or as a member of that role.`,
      },
    );
  return foreign === undefined;
}
