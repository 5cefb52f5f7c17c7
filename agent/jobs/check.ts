import type { CheckPart, Repository } from '../repository/repository.ts';
import { ensureRepository, type Notes } from './init.ts';
import type { Job } from './job.ts';

/** Checks the repository: its structure, or every byte of its data. */
export function checkJob(repository: Repository, notes: Notes, part: CheckPart, timeoutMs: number): Job {
  return {
    name: 'check',
    source: null,
    timeoutMs,
    run: async ({ signal, onProgress }) => {
      await ensureRepository(repository, notes, signal);
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
        warnings: [],
        facts: {},
      };
    },
  };
}
