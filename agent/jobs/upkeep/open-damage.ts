import type { Ledger, Run } from '../../ledger/ledger.ts';

/** So many checks are looked back upon; what was found before them, others have read since. */
const BACK = 100;

/**
 * The newest check that failed and that no later one has answered: a check that read a part of the data and found it damaged is
 * answered by one that read the same part, or everything, and found it sound. One that looked at the structure alone, as a person
 * types it, has not looked there. Null where the repository is as sound as the last checks could show. A check that was killed shows nothing.
 */
export function openDamage(ledger: Pick<Ledger, 'recent'>): Run | null {
  let open: Run[] = [];
  for (const run of ledger.recent({ job: 'check', limit: BACK }).toReversed()) {
    if (run.result === 'failed') open.push(run);
    if (run.result === 'succeeded') open = open.filter((failed) => !answers(run, failed));
  }
  return open.at(-1) ?? null;
}

function answers({ facts: sound }: Run, { facts: damaged }: Run): boolean {
  if (damaged.checkedPart === undefined || sound.checkedOf === 1) return true;
  return sound.checkedPart === damaged.checkedPart && sound.checkedOf === damaged.checkedOf;
}
