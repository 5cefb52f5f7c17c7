import type { Compression } from '../../core/glossary.ts';
import type { ProofOutcome } from '../../proof/proof.ts';
import type { SavedSnapshot, SaveProgress, SaveTarget } from '../../repository/repository.ts';
import type { Part, Probe, Source } from '../../sources/source.ts';
import type { HeadStart } from './head-start.ts';
import type { JobContext } from '../job.ts';
import { proofTarget } from '../stored-proof.ts';
import { saveStaged } from './save-staged.ts';
import type { Store } from './store.ts';

export interface PartToSave {
  part: Part;
  target: SaveTarget;
  /** What a person reads while it goes on. */
  step: string;
}

export interface SavedParts {
  saved: SavedSnapshot[];
  /** The proof of the dump, and what it is to be stored as; null where the configuration wants none. */
  proving: { outcome: Promise<ProofOutcome>; target: SaveTarget } | null;
}

/** The files of a backup, in the order in which they are stored. The dump is the last, and the only one that `latest` may name. */
export function partsToSave(source: Source, probe: Probe, compression: Compression): PartToSave[] {
  return source.parts(probe).map((part) => ({
    part,
    target: {
      path: part.path,
      tags: { source: source.name, engine: probe.engine, kind: part.kind },
      compression,
      ...(part.kind === 'dump' ? {} : { time: 'start' }),
    },
    step: part.kind === 'dump' ? `dumping ${source.database}` : `dumping ${part.kind}`,
  }));
}

/** All parts or none: what was stored before a later part failed is removed again. */
export async function saveParts(
  parts: PartToSave[],
  store: Store,
  context: JobContext,
  ahead: HeadStart,
): Promise<SavedParts> {
  const saved: SavedSnapshot[] = [];
  let proving: SavedParts['proving'] = null;
  try {
    for (const [i, { part, target, step }] of parts.entries()) {
      const { saveFolder } = store;
      if (part.folder !== undefined && saveFolder !== undefined) {
        const staged = await saveStaged(part.folder, { target, step }, { saveFolder }, context);
        saved.push(staged.snapshot);
        proving = staged.proving;
        continue;
      }
      const prepared = await ahead.take(target);
      const next = parts[i + 1];
      // Before a folder is staged, nothing of it can be stored.
      if (next !== undefined && next.part.folder === undefined) ahead.prepare(next.target);
      let prepareProof: () => void = () => undefined;
      const open = (signal: AbortSignal) => {
        const dump = part.open(signal);
        if (dump.proof !== undefined) {
          const stored = proofTarget(target, prepared.startedAt);
          proving = { outcome: dump.proof, target: stored };
          prepareProof = () => {
            prepareProof = () => undefined;
            ahead.prepare(stored);
          };
          // Where the dump failed, its lock would keep what restic may have saved all the same from being forgotten.
          void dump.done.then(
            () => prepareProof(),
            () => ahead.end(),
          );
        }
        return dump;
      };
      const onProgress = (progress: SaveProgress) => {
        // Not much before its end: the dump may take hours, and so long a second restic would lie in memory.
        if (ahead.isNearEnd(progress.dumpBytes)) prepareProof();
        context.onProgress({ step, ...progress });
      };
      saved.push(await prepared.save({ open, onProgress }, context.signal));
    }
    return { saved, proving };
  } catch (error) {
    // Its lock would be in the way.
    await ahead.end();
    const left = saved.map((part) => part.id);
    // The cause is what is told; the next start sweeps what could not be removed now.
    await store.remove(left, AbortSignal.timeout(60_000)).catch(() => undefined);
    throw error;
  }
}
