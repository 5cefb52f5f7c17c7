import { HoldfastError } from '../../../core/errors.ts';
import { toldAbsent } from '../../../core/role-words.ts';
import type { Lacking } from '../../roles.ts';
import type { Globals, StoredRole } from './globals-script.ts';
import { isForAdministration, type Membership } from './membership.ts';

export interface ChosenRoles {
  /** Those to be made. */
  roles: StoredRole[];
  /** Of which roles they become members. */
  memberships: Membership[];
  /** Memberships in them of roles that are there already, and stay as they are. */
  skipped: Membership[];
}

/**
 * Which stored roles are made for a dump: those that it names and that are not there, the roles that are members of these (the logins
 * behind a group), and the groups that all of them are members of; who made a role is not among them for that alone. A role that is there already gets nothing and loses nothing: it becomes
 * no member of a new one either. Throws `restore_failed` where a role that the dump needs is not among the stored.
 */
export function chooseRoles(
  { roles: needed, wished }: Pick<Lacking, 'roles' | 'wished'>,
  { roles: stored, memberships }: Globals,
  there: { has(name: string): boolean },
): ChosenRoles {
  const unknown = needed.filter((name) => !stored.has(name));
  if (unknown.length > 0)
    throw new HoldfastError(
      'restore_failed',
      `${toldAbsent(unknown)}, and the globals of the backup do not hold ${unknown.length === 1 ? 'it' : 'them'} either`,
      {
        hint: 'Create what is missing by hand: CREATE ROLE "NAME"; or restore with --no-owner.',
      },
    );
  const chosen = new Set([...needed, ...wished].filter((name) => stored.has(name)));
  const isNew = (name: string) => stored.has(name) && !there.has(name);
  // Who merely made a role is no login behind it, and would bring along all that it ever made.
  const belonging = memberships.filter((membership) => !isForAdministration(membership));
  // Both grow while they are walked.
  for (const name of chosen)
    for (const { role, member } of belonging) if (role === name && isNew(member)) chosen.add(member);
  for (const name of chosen)
    for (const { role, member } of belonging) if (member === name && isNew(role)) chosen.add(role);
  return {
    roles: [...chosen].flatMap((name) => stored.get(name) ?? []),
    memberships: memberships.filter(
      ({ role, member }) => chosen.has(member) && (chosen.has(role) || there.has(role)),
    ),
    skipped: memberships.filter(({ role, member }) => chosen.has(role) && there.has(member)),
  };
}
