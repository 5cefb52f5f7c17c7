import { utc } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { findSnapshot, type Wanted } from '../find-snapshot.ts';
import { dumpsOfTenant, inside, inTimeFor, type TenantInRepository } from '../find-tenant-dump.ts';
import type { Known, Newest } from '../newest.ts';
import { joinedNotes } from './suspect-note.ts';

/**
 * The dump to take some tables of a tenant out of: one of everything, for only that has the types and functions that they need, to try them in a
 * database beside. A newer dump of the tenant alone is told, with what takes it. Throws `usage` where a person named one of those.
 */
export async function findForTables(
  repository: Repository,
  tenant: TenantInRepository,
  wanted: Wanted,
  known: Known,
  signal: AbortSignal,
): Promise<Newest> {
  const own = await dumpsOfTenant(repository, tenant, signal);
  const named = wanted.id === 'latest' ? undefined : own.find(({ id }) => id.startsWith(wanted.id));
  if (named !== undefined) {
    throw new HoldfastError(
      'usage',
      `${named.shortId} is a dump of tenants alone, and --tables takes tables out of backups of everything; nothing was changed`,
      {
        hint: `Restore the whole tenant out of it: \`holdfast restore ${tenant.source} --tenant ${tenant.id} --snapshot ${named.shortId}\`; or leave out --snapshot.`,
      },
    );
  }
  const found = await findSnapshot(repository, tenant.source, wanted, known, signal);
  if (wanted.id !== 'latest') return found;
  const later = inTimeFor(wanted, known)(own).filter(({ time }) => time > found.snapshot.time);
  for (const dump of later.toReversed()) {
    if ((await inside(repository, tenant, dump, signal)) === null) continue;
    const passed = `--tables takes tables out of backups of everything: the newer dump ${dump.shortId} of ${utc(new Date(dump.time))}, of tenants alone, is passed over; \`holdfast restore ${tenant.source} --tenant ${tenant.id}\` takes it, for the whole tenant`;
    return { ...found, note: joinedNotes(found.note, passed) };
  }
  return found;
}
