import { isFolderPath } from '../core/folder-path.ts';
import type { Repository, Snapshot } from '../repository/repository.ts';
import type { StoredDump } from '../sources/source.ts';
import type { Progress } from './job.ts';

export interface Reading {
  repository: Repository;
  snapshot: Snapshot;
  progress: Progress;
  /** What `progress` tells as its detail from the last byte on. */
  atEnd?: string;
}

/** A snapshot's dump, for a source: its bytes or its folder, told as by `readCounted`. */
export function readStored(
  what: Reading,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): StoredDump {
  const { repository, snapshot, progress, atEnd } = what;
  if (!isFolderPath(snapshot.path)) return readCounted(what, onProgress, signal);
  const file = (name: string) => ({ ...snapshot, path: `${snapshot.path}/${name}`, bytes: null });
  return {
    bytes: snapshot.bytes,
    read: (name) => readCounted({ repository, snapshot: file(name), progress }, onProgress, signal),
    fetch: async (into, names) => {
      const before = progress.dumpBytes;
      const onBytes = (bytes: number) => {
        progress.dumpBytes = before + bytes;
        onProgress({ ...progress });
      };
      await repository.fetch(snapshot, { into, names, onBytes }, signal);
      if (atEnd === undefined) return;
      progress.detail = atEnd;
      onProgress({ ...progress });
    },
  };
}

/**
 * A snapshot's plain bytes, each of them told to `onProgress`, whose `dumpBytes` are counted on in `progress`. It ends only
 * when every byte is known to be as it was stored; throws `repository_damaged` or the like otherwise, after the last good one.
 */
export async function* readCounted(
  what: Reading,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { repository, snapshot, progress, atEnd } = what;
  const reading = repository.read(snapshot, signal);
  for await (const chunk of reading.stream) {
    progress.dumpBytes += chunk.length;
    onProgress({ ...progress });
    yield chunk;
  }
  // Whoever reads would take the end of a damaged dump for the end of the dump.
  await reading.done;
  if (atEnd === undefined) return;
  progress.detail = atEnd;
  onProgress({ ...progress });
}
