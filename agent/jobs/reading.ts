import type { Repository, Snapshot } from '../repository/repository.ts';
import type { Progress } from './job.ts';

/**
 * A snapshot's plain bytes, each of them told to `onProgress`, whose `dumpBytes` are counted on in `progress`. It ends only
 * when every byte is known to be as it was stored; throws `repository_damaged` or the like otherwise, after the last good one.
 */
export async function* readCounted(
  what: {
    repository: Repository;
    snapshot: Snapshot;
    progress: Progress;
    /** What `progress` tells as its detail from the last byte on. */
    atEnd?: string;
  },
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
