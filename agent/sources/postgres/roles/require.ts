import { LackingError } from '../../../core/errors.ts';
import { toldNeeded } from '../../../core/role-words.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { neededOf } from './needed.ts';

/** Throws a `LackingError` that names all roles that entries of an archive need and the server has not: before the first statement. */
export function requireRoles(
  entries: WholeEntry[],
  { roles, ownersKept }: { roles: Set<string>; ownersKept: boolean },
): void {
  const missing = neededOf(entries, { owners: ownersKept }).roles.filter((name) => !roles.has(name));
  if (missing.length === 0) return;
  throw new LackingError(toldNeeded(missing), { hint: ROLES });
}

export const ROLES =
  'Load the globals of the same backup first: they hold the roles (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.';
