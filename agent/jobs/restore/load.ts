import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { Restored, RestoreOptions, Source, StoredDump, TableLoad } from '../../sources/source.ts';
import type { JobContext, Progress } from '../job.ts';
import { readCounted, readStored } from '../reading.ts';
import { ALL_SENT, tableWords } from '../table-words.ts';

/**
 * Loads a stored dump into a database that exists and is empty. Throws the first cause: the client's complaint, or what
 * was wrong with the stored bytes. The target holds an unknown part of the dump then.
 */
export async function loadSnapshot(
  what: Stored & { source: Source; options?: RestoreOptions },
  context: JobContext,
): Promise<Restored> {
  const { source, target, options } = what;
  return giveSnapshot(what, context, (dump, watching) =>
    source.restoreInto(target, dump, context.signal, { ...options, ...watching }),
  );
}

export interface Stored {
  repository: Repository;
  snapshot: Snapshot;
  target: string;
  /** How many tables the dump has; null where nobody knows. */
  tables: number | null;
}

/** Gives a stored dump to whoever loads it, and tells how far it is. */
export async function giveSnapshot(
  { repository, snapshot, target, tables }: Stored,
  { onProgress, signal, watched = false }: JobContext,
  load: (dump: StoredDump, watching: Pick<RestoreOptions, 'onTable'>) => Promise<Restored>,
): Promise<Restored> {
  const progress: Progress = {
    step: `loading ${snapshot.shortId} into ${target}`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  const dump = readStored({ repository, snapshot, progress, atEnd: ALL_SENT }, onProgress, signal);
  const onTable = (table: TableLoad) => {
    progress.detail = tableWords(table, tables);
  };
  return load(dump, watched ? { onTable } : {});
}

/** Reads a snapshot whole and throws `repository_damaged` or the like where a byte is wrong: nothing is overwritten before that. */
export async function proveReadable(
  repository: Repository,
  snapshot: Snapshot,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const progress: Progress = {
    step: `reading ${snapshot.shortId} to see that it is whole`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  const chunks = readCounted({ repository, snapshot, progress }, onProgress, signal);
  while ((await chunks.next()).done !== true);
}
