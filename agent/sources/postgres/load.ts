import type { PostgresSourceConfig } from '../../config/config.ts';
import { prepareLoad } from './prepare-load.ts';
import { replaceTables } from './tables-in-place/replace.ts';
import type { RestoreOptions, Restored, StoredDump } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

/**
 * Loads an archive by pg_restore of the server's major, in one transaction: it is there as a whole or not at all. Of chosen tables,
 * those and what they need; or those alone, dropped and made anew in that transaction.
 */
export async function loadPostgresDump(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  target: string,
  dump: StoredDump,
  signal: AbortSignal,
  options: RestoreOptions = {},
): Promise<Restored> {
  const load = await prepareLoad(config, deps, target, dump, signal, options);
  return options.replace === true
    ? replaceTables(config, deps, { target, load, owners: options.owners ?? 'leave' }, signal)
    : load.run();
}
