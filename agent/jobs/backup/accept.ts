import { HoldfastError } from '../../core/errors.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Job } from '../job.ts';

export interface AcceptSettings {
  ledger: Pick<Ledger, 'last' | 'lastGood'>;
  /** Why, in one line, and who says so. */
  reason: string;
  by: string;
}

/**
 * A person says that the newest backup of a source is right although it is suspect: from then on it counts as the last
 * good one, and the next ones are held against it. Throws `usage` where there is nothing to accept.
 */
export function acceptJob(source: string, { ledger, reason, by }: AcceptSettings): Job {
  return {
    name: 'accept',
    source,
    timeoutMs: 60_000,
    run: async () => {
      const why = reason.trim();
      if (why === '' || why.length > MOST_CHARACTERS || /\p{Cc}/u.test(why)) {
        throw new HoldfastError('usage', `a reason is one line of at most ${MOST_CHARACTERS} characters`, {
          hint: `Say why the dump may be so much smaller: holdfast accept ${source} --reason "old orders were archived".`,
        });
      }
      const newest = ledger.last('backup', source, 'succeeded');
      if (newest?.facts.suspect === undefined || ledger.lastGood(source, null)?.id === newest.id) {
        throw new HoldfastError(
          'usage',
          `the newest backup of ${source} is not suspect: there is nothing to accept`,
          {
            hint: 'See how things stand with `holdfast status`.',
          },
        );
      }
      return {
        reason: `${by} accepted the backup of ${newest.startedAt} (run ${newest.id}): ${why}`,
        warnings: [],
        facts: {
          acceptedRun: newest.id,
          ...(newest.facts.snapshotId === undefined ? {} : { snapshotId: newest.facts.snapshotId }),
        },
      };
    },
  };
}

const MOST_CHARACTERS = 200;
