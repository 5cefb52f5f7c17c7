import { describeError } from '../core/errors.ts';
import type { CheckPart, Repository } from '../repository/repository.ts';
import { ensureRepository, type Notes } from './init.ts';
import type { Job, Outcome } from './job.ts';

/** Checks the repository: its structure, or every byte of its data. */
export function checkJob(repository: Repository, notes: Notes, part: CheckPart, timeoutMs: number): Job {
  return {
    name: 'check',
    source: null,
    timeoutMs,
    run: async ({ signal, onProgress }) => {
      const { id } = await ensureRepository(repository, notes, signal);
      onProgress({
        step: part === 'all-data' ? 'reading all data' : 'checking the structure',
        dumpBytes: 0,
        storedBytes: 0,
      });
      await repository.check(part, signal);
      return {
        reason:
          part === 'all-data'
            ? 'every byte of the repository is sound'
            : 'the structure of the repository is sound',
        ...(await measure(repository, id, signal)),
      };
    },
  };
}

/** How large it is, for the page that shows its growth. That it cannot be told makes a check no worse. */
async function measure(
  repository: Repository,
  repositoryId: string,
  signal: AbortSignal,
): Promise<Pick<Outcome, 'warnings' | 'facts'>> {
  try {
    const { storedBytes, snapshots } = await repository.stats(signal);
    return {
      warnings: [],
      facts: { repositoryId, repositoryBytes: storedBytes, snapshotsKept: snapshots },
    };
  } catch (error) {
    if (signal.aborted) throw error;
    return {
      warnings: [`the size of the repository could not be measured: ${describeError(error).message}`],
      facts: { repositoryId },
    };
  }
}
