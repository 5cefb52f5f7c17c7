import type { Repository, SavedSnapshot } from '../../repository/repository.ts';
import type { FolderPart } from '../../sources/source.ts';
import type { JobContext } from '../job.ts';
import { proofTarget } from '../stored-proof.ts';
import type { PartToSave, SavedParts } from './save-parts.ts';

/** Stages a dump that is a folder, and stores it. What was staged is gone from the disk afterwards, whatever happened. */
export async function saveStaged(
  part: FolderPart,
  { target, step }: Pick<PartToSave, 'target' | 'step'>,
  store: Pick<Repository, 'saveFolder'>,
  { signal, onProgress }: JobContext,
): Promise<{ snapshot: SavedSnapshot; proving: SavedParts['proving'] }> {
  const failed = new AbortController();
  const onBytes = (dumpBytes: number) => onProgress({ step, dumpBytes, storedBytes: 0 });
  const staged = await part.stage(AbortSignal.any([signal, failed.signal]), onBytes);
  const { staging, files, bytes, begunAt, proof } = staged;
  const { path } = part;
  try {
    const snapshot = await store.saveFolder(
      {
        ...{ staging, path, files, bytes, tags: target.tags, time: nextSecond(begunAt) },
        onProgress: (progress) => onProgress({ step: `storing ${path}`, ...progress, totalBytes: bytes }),
      },
      signal,
    );
    return {
      snapshot: { ...snapshot, warnings: [...staged.warnings, ...snapshot.warnings] },
      proving:
        proof === undefined ? null : { outcome: proof, target: proofTarget({ ...target, path }, begunAt) },
    };
  } catch (error) {
    // Nobody will ask for its proof any more.
    failed.abort(error);
    throw error;
  } finally {
    await staged.remove();
  }
}

/** When its data was read, and later than what belongs to it: `latest` names the dump. Times are cut to the second. */
function nextSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000 + 1000);
}
