import type { Repository, Snapshot } from '../repository/repository.ts';
import type { Source } from '../sources/source.ts';
import type { Progress } from './job.ts';

/**
 * Loads a stored dump into a database that exists and is empty. Throws the first cause: the client's complaint, or what
 * was wrong with the stored bytes. The target holds an unknown part of the dump then.
 */
export async function loadSnapshot(
  what: { repository: Repository; snapshot: Snapshot; source: Source; target: string; keepOwners?: boolean },
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { repository, snapshot, source, target, keepOwners = false } = what;
  const reading = repository.read(snapshot, signal);
  const progress: Progress = {
    step: `loading ${snapshot.shortId} into ${target}`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  const counted = async function* () {
    for await (const chunk of reading.stream) {
      progress.dumpBytes += chunk.length;
      onProgress({ ...progress });
      yield chunk;
    }
    // The client would take the end of a damaged dump for the end of the dump.
    await reading.done;
  };
  await source.restoreInto(target, counted(), signal, { keepOwners });
}

/** Reads a snapshot whole and throws `repository_damaged` or the like where a byte is wrong: nothing is overwritten before that. */
export async function proveReadable(
  repository: Repository,
  snapshot: Snapshot,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const reading = repository.read(snapshot, signal);
  const progress: Progress = {
    step: `reading ${snapshot.shortId} to see that it is whole`,
    dumpBytes: 0,
    storedBytes: 0,
  };
  for await (const chunk of reading.stream) {
    progress.dumpBytes += chunk.length;
    onProgress({ ...progress });
  }
  await reading.done;
}
