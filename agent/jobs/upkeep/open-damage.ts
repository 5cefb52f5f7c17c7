import type { Ledger, Run } from '../../ledger/ledger.ts';

/** So many failures are looked back upon. */
const FAILURES = 100;
/** More than there ever are since one of them: what was damaged stays so until it was read again, however long that takes. */
const SOUND = 100_000;

/**
 * The newest check that failed and that no later one has answered: a check that read a part of the data and found it damaged is
 * answered by one that read the same part, or everything, and found it sound. One that looked at the structure alone, as a person
 * types it, has not looked there. Null where the repository is as sound as the last checks could show. A check that was killed shows nothing.
 */
export function openDamage(ledger: Pick<Ledger, 'recent'>): Run | null {
  const failures = ledger.recent({ job: 'check', result: 'failed', limit: FAILURES });
  if (failures.length === 0) return null;
  const sound = ledger.recent({ job: 'check', result: 'succeeded', limit: SOUND });
  return failures.find((failed) => !sound.some((run) => run.id > failed.id && answers(run, failed))) ?? null;
}

function answers({ facts: sound }: Run, { facts: damaged }: Run): boolean {
  if (damaged.checkedPart === undefined || sound.checkedOf === 1) return true;
  return sound.checkedPart === damaged.checkedPart && sound.checkedOf === damaged.checkedOf;
}
