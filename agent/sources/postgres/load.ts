import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { peekContents, type WholeEntry } from './archive-contents.ts';
import { findPostgresClient } from './clients.ts';
import { fetchFolder, readStoredContents } from './directory/stored.ts';
import type { WayIn } from './lend-connection.ts';
import { requireRoles } from './roles/require.ts';
import { AS_IT_IS, runPgRestore } from './run-restore.ts';
import { withPostgresSession, type PostgresSession } from './session.ts';
import { subscriptionsIn, tellDisabled, tellLeftOut, withoutSubscriptions } from './subscriptions.ts';
import { chooseEntries } from './table-choice.ts';
import { replaceTables } from './tables-in-place/replace.ts';
import { watchTables } from './watch-tables.ts';
import { isFolder, type RestoreOptions, type Restored, type StoredDump } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

const LOOK_TIMEOUT_MS = 60_000;

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
  let given: Given;
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

interface Opened {
  /** Null where the archive's format is not known. */
  entries: WholeEntry[] | null;
  /** What pg_restore is given; of a folder only what these entries need, everything for null. */
  give(chosen: WholeEntry[] | null): Promise<Given>;
  /** Ends whoever gives the bytes, where nobody will read them. */
  close(): Promise<void>;
}

interface Given {
  /** What goes into its stdin. */
  stream: AsyncIterable<Buffer>;
  /** What it reads instead; null for nothing. */
  folder: string | null;
  /** Removes what is on the disk. */
  remove(): Promise<void>;
}

async function openStored(dump: StoredDump, deps: ClientDeps): Promise<Opened> {
  if (!isFolder(dump)) {
    const { entries, archive, close } = await peekContents(dump);
    return {
      entries,
      close,
      give: () => Promise.resolve({ stream: archive, folder: null, remove: () => Promise.resolve() }),
    };
  }
  const entries = await readStoredContents(dump);
  return {
    entries,
    give: async (chosen) => {
      const ids = chosen === null ? null : new Set(chosen.map(({ id }) => id));
      const place = await fetchFolder(
        dump,
        deps,
        ids === null ? null : entries.filter(({ id }) => ids.has(id)),
      );
      return { stream: nothing(), folder: place.path, remove: place.remove };
    },
    close: () => Promise.resolve(),
  };
}

async function* nothing(): AsyncGenerator<Buffer> {
  // All of it lies on the disk.
}

/** To give objects to any role takes a superuser, short of a member of all of them. */
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
