import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { WholeEntry } from './archive-contents.ts';
import { findPostgresClient } from './clients.ts';
import type { WayIn } from './lend-connection.ts';
import { openStored, type GivenDump } from './open-stored.ts';
import { readServer } from './read-server.ts';
import { requireRoles } from './roles/require.ts';
import { AS_IT_IS, runPgRestore } from './run-restore.ts';
import { withPostgresSession } from './session.ts';
import { subscriptionsIn, tellDisabled, tellLeftOut, withoutSubscriptions } from './subscriptions.ts';
import { chooseEntries } from './table-choice.ts';
import { watchTables } from './watch-tables.ts';
import type { RestoreOptions, Restored, StoredDump } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;

/** A load of which all is known that can be known before the first statement. One of its methods must be called, once. */
export interface PreparedLoad {
  /** What will be loaded; null where the archive's format is not known. */
  entries: WholeEntry[] | null;
  /** What the archive holds; null likewise. */
  all: WholeEntry[] | null;
  /** On a connection of its own, or on one that is lent to it. */
  run(through?: WayIn): Promise<Restored>;
  /** Ends whoever gives the bytes, where nobody will read them. */
  cancel(): Promise<void>;
}

/** Finds the client and what will be loaded, and refuses what cannot be: tables that the dump lacks, roles that the server lacks. */
export async function prepareLoad(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  target: string,
  dump: StoredDump,
  signal: AbortSignal,
  options: RestoreOptions = {},
): Promise<PreparedLoad> {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS, database: target };
  const { major, isSuperuser, roles } = await withPostgresSession(config, look, readServer);
  const client = await findPostgresClient(major, {
    processes: deps.processes,
    dirs: deps.tools.postgresDirs,
    signal,
  });
  const owners = options.owners ?? 'leave';
  const ownersKept = owners === 'keep' || (owners === 'where-allowed' && isSuperuser);
  const opened = await openStored(dump, deps);
  const { entries } = opened;
  let chosen: WholeEntry[] | null;
  let given: GivenDump;
  try {
    chosen = choose(entries, options);
    requireRoles(chosen ?? [], { roles, ownersKept });
    given = await opened.give(chosen === entries ? null : chosen);
  } catch (error) {
    await opened.close();
    throw error;
  }
  const { stream, folder } = given;
  // Of a folder nothing passes that could be watched.
  const onTable = folder === null ? options.onTable : undefined;
  const run = {
    ...{ target, clientPath: client.path, stream, folder, ownersKept },
    chosen: chosen === entries ? null : chosen,
    atOnce: folder === null || options.fresh !== true ? 1 : config.jobs,
    filter: onTable === undefined || chosen === null ? AS_IT_IS : watchTables(chosen, onTable),
  };
  return {
    entries: chosen,
    all: entries,
    run: async (through) => {
      try {
        await runPgRestore(config, deps, { ...run, through }, signal);
      } finally {
        await given.remove();
      }
      return { ...toldOf(entries, config.database, target, options), ownersKept, stilledEvents: [] };
    },
    cancel: async () => {
      await opened.close();
      await given.remove();
    },
  };
}

/** All of them, but for what a copy may not have; or what some tables take. */
function choose(
  entries: WholeEntry[] | null,
  { tables, replace = false, forGood = false }: RestoreOptions,
): WholeEntry[] | null {
  if (tables === undefined) return entries === null || forGood ? entries : withoutSubscriptions(entries);
  if (entries === null) {
    throw new HoldfastError(
      'restore_failed',
      'no tables can be chosen: the format of the archive is not known',
      {
        hint: 'Restore all of it into a new database with --to.',
      },
    );
  }
  return chooseEntries(entries, tables, { replace });
}

function toldOf(
  entries: WholeEntry[] | null,
  database: string,
  target: string,
  { tables, forGood = false }: RestoreOptions,
): Pick<Restored, 'notes' | 'warnings'> {
  const names = tables === undefined ? subscriptionsIn(entries ?? []) : [];
  return forGood
    ? { notes: [], warnings: tellDisabled(names, database) }
    : { notes: tellLeftOut(names, target), warnings: [] };
}
