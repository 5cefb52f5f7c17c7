import { HoldfastError } from '../../../core/errors.ts';
import type { Owners } from '../../source.ts';
import type { WholeEntry } from '../archive-contents.ts';
import type { PostgresSession } from '../session.ts';

/**
 * Whether objects get their owners and rights back: asked for, and to be had by a superuser or by a member of every role that owns one.
 * Throws `restore_failed` where a role is gone, and `rights_missing` where they were asked for and cannot be given.
 */
export async function mayKeepOwners(
  session: PostgresSession,
  entries: WholeEntry[],
  owners: Owners,
): Promise<boolean> {
  if (owners === 'leave') return false;
  const names = [...new Set(entries.map(({ owner }) => owner))].filter((owner) => owner !== '');
  const rows = await session.query(
    `SELECT n AS name, r.oid IS NOT NULL AS there, coalesce(pg_has_role(r.oid, 'MEMBER'), false) AS may
      FROM unnest($1::text[]) n LEFT JOIN pg_roles r ON r.rolname = n`,
    [names],
  );
  const missing = rows.find(({ there }) => there !== true);
  if (missing !== undefined)
    throw new HoldfastError(
      'restore_failed',
      `role "${String(missing.name)}" does not exist, and owns what comes back`,
      {
        hint: 'Load the globals of the backup first: they hold the roles (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.',
      },
    );
  const foreign = rows.find(({ may }) => may !== true);
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
