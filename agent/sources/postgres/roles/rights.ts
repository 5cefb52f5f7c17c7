import { HoldfastError } from '../../../core/errors.ts';
import { toldAbsent } from '../../../core/role-words.ts';
import type { Lacking } from '../../roles.ts';
import { quoteIdentifier } from '../names.ts';
import type { ChosenRoles } from './choose.ts';
import { isSuperuser, type RolesThere } from './server.ts';

/** Throws `rights_missing` where the user may not make these roles, or not with the powers that they had. */
export function requireRights(
  { roles }: ChosenRoles,
  { owners }: Pick<Lacking, 'owners'>,
  there: RolesThere,
): void {
  if (isSuperuser(there)) return;
  const { user } = there;
  const names = roles.map(({ name }) => name);
  const missing = toldAbsent(names);
  if (!there.powers.has('CREATEROLE'))
    throw new HoldfastError('rights_missing', `${missing}, and ${user} may not create roles`, {
      hint: `Restore as a superuser, or run as an administrator of the server: ALTER ROLE ${quoteIdentifier(user)} CREATEROLE;`,
    });
  // Whoever makes a role is no member of it, and may give it nothing.
  const [owner] = owners;
  if (owner !== undefined)
    throw new HoldfastError(
      'rights_missing',
      `${missing}; ${user} may create roles, and give no objects to "${owner}"`,
      {
        hint: `Restore as a superuser, or create it yourself as an administrator of the server: CREATE ROLE ${quoteIdentifier(owner)}; GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(user)};`,
      },
    );
  for (const { name, attributes } of roles) {
    const power = attributes.find((one) => !mayGive(one, there));
    if (power === undefined) continue;
    throw new HoldfastError(
      'rights_missing',
      `${missing}; "${name}" was created with ${power}, which ${user} may not give`,
      {
        hint: `Restore as a superuser, or create it yourself as an administrator of the server: CREATE ROLE ${quoteIdentifier(name)} WITH ${attributes.join(' ')};`,
      },
    );
  }
}

/** A right of a superuser alone, or, from PostgreSQL 16 on, of whoever has it. */
function mayGive(power: string, { major, powers }: RolesThere): boolean {
  if (power === 'SUPERUSER') return false;
  if (power === 'REPLICATION' || power === 'BYPASSRLS') return major >= 16 && powers.has(power);
  return power !== 'CREATEDB' || major < 16 || powers.has(power);
}
