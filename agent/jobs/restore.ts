import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import { counted } from '../core/units.ts';
import type { Repository, Snapshot } from '../repository/repository.ts';
import type { Restored, Source } from '../sources/source.ts';
import { findSnapshot, type Wanted } from './find-snapshot.ts';
import type { Notes } from './init.ts';
import type { Job, JobContext, Outcome } from './job.ts';
import { loadSnapshot, proveReadable } from './load.ts';
import { clearUnfinished, markUnfinished } from './unfinished-restore.ts';

export type RestoreTarget =
  /** The source's own database: made where it is gone, emptied and loaded where it is there. */
  { kind: 'overwrite' } | { kind: 'new-database'; name: string };

export interface RestoreSettings {
  repository: Repository;
  /** Where an overwritten database is marked until it is whole. */
  notes: Notes;
  /** The time, as UTC ISO 8601. */
  now: () => string;
  wanted: Wanted;
  target: RestoreTarget;
  /** PostgreSQL: with the owners and rights that the objects had; otherwise all belongs to who restores. */
  keepOwners: boolean;
  timeoutMs: number;
}

const DROP_TIMEOUT_MS = 60_000;

/** Restores one dump into a database. Nothing of an old one is touched before the snapshot has been read whole. */
export function restoreJob(source: Source, settings: RestoreSettings): Job {
  return {
    name: 'restore',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: async (context) => {
      // Clears a lock that a killed program left, or waits for a living one: reading takes a lock of its own and does neither.
      await settings.repository.identify(context.signal);
      const snapshot = await findSnapshot(settings.repository, source.name, settings.wanted, context.signal);
      const restoration = { source, snapshot, settings, context };
      return restore(restoration);
    },
  };
}

interface Restoration {
  source: Source;
  snapshot: Snapshot;
  settings: RestoreSettings;
  context: JobContext;
}

async function restore(restoration: Restoration): Promise<Outcome> {
  const { source, settings, context } = restoration;
  if (settings.target.kind === 'new-database') return intoNew(restoration, settings.target.name);
  const there = (await source.listDatabases(source.database, context.signal)).includes(source.database);
  return there ? overItself(restoration) : intoNew(restoration, source.database);
}

async function intoNew(restoration: Restoration, name: string): Promise<Outcome> {
  const { source, context } = restoration;
  await source.createDatabase(name, context.signal);
  let restored: Restored;
  try {
    restored = await load(restoration, name);
  } catch (error) {
    // We made it, and it holds an unknown part of the dump: nothing half restored may be taken for whole.
    await source.dropDatabase(name, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch((failure: unknown) => {
      throw halfDone(
        `${name} could not be dropped again and is not whole`,
        error,
        `Drop ${name} by hand.`,
        failure,
      );
    });
    throw error;
  }
  if (name === source.database) clearUnfinished(restoration.settings.notes, source.name);
  return outcome(restoration, name, restored, []);
}

async function overItself(restoration: Restoration): Promise<Outcome> {
  const { source, snapshot, settings, context } = restoration;
  await proveReadable(settings.repository, snapshot, context.onProgress, context.signal);
  markUnfinished(settings.notes, source.name, { snapshot: snapshot.shortId, at: settings.now() });
  await source.emptyDatabase(source.database, context.signal);
  let restored: Restored;
  try {
    restored = await load(restoration, source.database);
  } catch (error) {
    const again = `Mend the cause, then run \`holdfast restore ${source.name} --snapshot ${snapshot.shortId} --yes\` again.`;
    throw halfDone(`${source.database} was emptied and is not whole`, error, again, error);
  }
  clearUnfinished(settings.notes, source.name);
  const ownersLost = snapshot.tags?.engine === 'postgres' && !settings.keepOwners;
  const warning = `everything in ${source.database} belongs to the user that restored it, and rights that others had are gone; a superuser keeps both with --keep-owners`;
  return outcome(restoration, source.database, restored, ownersLost ? [warning] : []);
}

function load({ source, snapshot, settings, context }: Restoration, target: string): Promise<Restored> {
  const { repository, keepOwners } = settings;
  return loadSnapshot(
    { repository, snapshot, source, target, keepOwners },
    context.onProgress,
    context.signal,
  );
}

async function outcome(
  { source, snapshot, context }: Restoration,
  database: string,
  { notes }: Restored,
  warnings: string[],
): Promise<Outcome> {
  const inventory = await source.inspect(database, context.signal);
  const rows = inventory.tables.reduce((total, table) => total + table.rows, 0);
  return {
    reason: [
      `restored ${snapshot.shortId} of ${utc(new Date(snapshot.time))} into ${database}: ${counted(inventory.tables.length, 'table')}, ${counted(rows, 'row')}`,
      ...notes,
    ].join('; '),
    warnings,
    facts: { snapshotId: snapshot.id, tables: inventory.tables.length, rows },
  };
}

function halfDone(what: string, first: unknown, hint: string, cause: unknown): HoldfastError {
  const said = first instanceof Error ? first.message : String(first);
  return new HoldfastError('restore_failed', `${what}: ${said}`, { hint, cause });
}
