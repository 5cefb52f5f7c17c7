import { HoldfastError, describeError } from '../../core/errors.ts';
import type { Compression, Engine, GapName } from '../../core/glossary.ts';
import { restorePointPath, restorePointTime } from '../../core/restore-point-path.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type {
  DumpToSave,
  Repository,
  SavedSnapshot,
  SaveProgress,
  Snapshot,
} from '../../repository/repository.ts';
import type { Gap, Source } from '../../sources/source.ts';
import { acceptGaps } from '../backup/backup.ts';
import type { Notes } from '../init.ts';
import type { JobContext } from '../job.ts';
import { KEPT_FOR_MS } from './kept-database.ts';
import { strangersIn } from '../strangers.ts';

export interface RestorePointSettings {
  repository: Repository;
  notes: Notes;
  /** The source for a dump of whatever is left of it: an empty database or a damaged view is no gap, and no proof is taken. */
  asItIs: Source;
  compression: Compression;
  /** As for a backup. */
  allowIncomplete: GapName[];
  listedIn: string | null;
  now: () => Date;
}

/**
 * Stores the source's database as it is, before a restore overwrites it: a dump like any other, under tags and a path of its
 * own, so that no retention counts it among the backups. Null where the database holds nothing. Throws what keeps it from
 * being taken, with what to do about it; nothing was changed then.
 */
export async function takeRestorePoint(
  source: Source,
  settings: RestorePointSettings,
  context: JobContext,
): Promise<SavedSnapshot | null> {
  try {
    const probe = await settings.asItIs.probe(context.signal);
    if (probe.tables === 0 && (await holdsNothing(source, context.signal))) return null;
    const [damaged, whole] = partition(probe.gaps.filter(({ name }) => name !== 'empty'));
    const warnings = [
      ...damaged.map(({ detail }) => `the restore point lacks what is damaged: ${detail}`),
      ...acceptGaps(source, { ...probe, gaps: whole }, settings),
    ];
    const part = settings.asItIs.parts(probe).find(({ kind }) => kind === 'dump');
    if (part === undefined) throw new HoldfastError('failed', `${source.name} has nothing to store`);
    const what = { path: part.path, engine: probe.engine, of: source.database };
    const prepared = await preparePoint(source.name, what, settings, context);
    const point = await prepared.store(part.open);
    return { ...point, warnings: [...warnings, ...point.warnings] };
  } catch (error) {
    context.signal.throwIfAborted();
    throw noPoint(source.database, error);
  }
}

/** What is overwritten, in words, and the path and engine of a dump of it. */
interface PointOf {
  path: string;
  engine: Engine;
  of: string;
}

type PointSettings = Pick<RestorePointSettings, 'repository' | 'notes' | 'compression' | 'now'>;

export interface PreparedPoint {
  /** Stores the dump of what shall be overwritten. Throws the first cause. Once. */
  store(open: DumpToSave['open']): Promise<SavedSnapshot>;
  /** Does nothing after `store`; one of the two must be called. */
  cancel(): Promise<void>;
}

/** Opens the repository for a restore point while the caller does something else. */
export async function preparePoint(
  source: string,
  { path, engine, of }: PointOf,
  { repository, notes, compression, now }: PointSettings,
  { signal, onProgress }: JobContext,
): Promise<PreparedPoint> {
  const newest = (await repository.list({ source, kind: 'dump' }, signal)).at(-1);
  const prepared = repository.prepare({
    path: restorePointPath(path, now()),
    tags: { source, engine, kind: 'restore-point' },
    compression,
    ...(newest === undefined ? {} : { time: new Date(Date.parse(newest.time) - 1000) }),
  });
  const step = `restore point: dumping ${of} as it is`;
  return {
    store: async (open) => {
      const dump = { open, onProgress: (progress: SaveProgress) => onProgress({ step, ...progress }) };
      const point = await prepared.save(dump, signal);
      confirm(notes, source, point.id);
      return point;
    },
    cancel: prepared.cancel,
  };
}

/** Whether a restore point's week has passed. */
export function isPastItsWeek({ path }: Snapshot, now: Date): boolean {
  const madeAt = restorePointTime(path);
  return madeAt !== null && madeAt.getTime() + KEPT_FOR_MS <= now.getTime();
}

/**
 * Removes what a restore that was killed since then may have stored of one and nobody confirmed; nothing where another server stores
 * under the same names, for it may be its. Call under the run lock.
 */
export async function sweepRestorePoints(
  source: string,
  { repository, ledger }: { repository: Repository; ledger: Pick<Ledger, 'recent'> & Notes },
  since: Date,
  signal: AbortSignal,
): Promise<void> {
  const good = confirmedRestorePoints(ledger, source);
  const snapshots = await repository.list({ source }, signal);
  if (strangersIn(ledger, source, snapshots).length > 0) return;
  const strays = snapshots.filter(({ id, path, tags }) => {
    const madeAt = tags?.kind === 'restore-point' ? restorePointTime(path) : null;
    // Paths tell the time to the second.
    return madeAt !== null && madeAt.getTime() >= since.getTime() - 1000 && !good.includes(id);
  });
  await repository.remove(
    strays.map(({ id }) => id),
    signal,
  );
}

/** What is damaged nobody can dump, and it may be why there is a restore. */
function partition(gaps: Gap[]): [damaged: Gap[], others: Gap[]] {
  return [gaps.filter(({ damaged }) => damaged === true), gaps.filter(({ damaged }) => damaged !== true)];
}

/** Whether a database is there and empty; not where that cannot be found out. Counts no rows of one that is not. */
export async function isEmpty(source: Source, asItIs: Source, signal: AbortSignal): Promise<boolean> {
  try {
    return (await asItIs.probe(signal)).tables === 0 && (await holdsNothing(source, signal));
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function holdsNothing(source: Source, signal: AbortSignal): Promise<boolean> {
  const { tables, ...others } = await source.inspect(source.database, signal);
  return tables.length === 0 && Object.values(others).every((count) => count === 0);
}

/** Why no restore point of something could be taken, and what to do about it. */
export function noPoint(of: string, error: unknown): HoldfastError {
  const { message, hint, kind } = describeError(error);
  return new HoldfastError(
    kind,
    `no restore point of ${of} could be taken, and nothing was changed: ${message}`,
    {
      hint: `To give up what is in ${of} now, restore with --no-restore-point.${hint === null ? '' : ` To keep it: ${hint}`}`,
      cause: error,
    },
  );
}

/** Of the last few, which is more than a killed run can leave in doubt. */
const CONFIRMED = 20;

function confirm(notes: Notes, source: string, id: string): void {
  const ids = [...confirmedRestorePoints(notes, source), id].slice(-CONFIRMED);
  notes.remember(noteOf(source), JSON.stringify(ids));
}

/** Ids of the newest restore points that are known to be whole. */
function confirmedRestorePoints(notes: Notes, source: string): string[] {
  return JSON.parse(notes.recall(noteOf(source)) ?? '[]') as string[];
}

function noteOf(source: string): string {
  return `restore points of ${source}`;
}
