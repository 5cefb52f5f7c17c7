import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { Restored, RestoreOptions, Source, TableLoad } from '../../sources/source.ts';
import type { JobContext, Progress } from '../job.ts';
import { readCounted, readStored } from '../reading.ts';
import { ALL_SENT, tableWords } from '../table-words.ts';

/**
 * Loads a stored dump into a database that exists and is empty. Throws the first cause: the client's complaint, or what
 * was wrong with the stored bytes. The target holds an unknown part of the dump then.
 */
export async function loadSnapshot(
  what: {
    repository: Repository;
    snapshot: Snapshot;
    source: Source;
    target: string;
    options?: RestoreOptions;
    /** How many tables the dump has; null where nobody knows. */
    tables: number | null;
  },
  { onProgress, signal, watched = false }: JobContext,
): Promise<Restored> {
  const { repository, snapshot, source, target, options = {}, tables } = what;
  const progress: Progress = {
    step: `loading ${snapshot.shortId} into ${target}`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  const dump = readStored({ repository, snapshot, progress, atEnd: ALL_SENT }, onProgress, signal);
  const onTable = (table: TableLoad) => {
    progress.detail = tableWords(table, tables);
  };
  return source.restoreInto(target, dump, signal, { ...options, ...(watched ? { onTable } : {}) });
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
