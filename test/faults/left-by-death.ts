import { expect } from 'vitest';
import type { Ended } from '../helpers/agent.ts';
import type { HeardAgent } from './heard.ts';
import { runsOf, standingOf, type LedgerRun, type Standing } from './standing.ts';

/** What is owed for runs that died: the next one must say of each what it was and that it died, and the ledger must know it as interrupted. */
interface Deaths {
  /** Whether the next run has something to say of the last one. */
  areOwed(): boolean;
  /** After a command that may have told of those before it; where it was to die, what is running now is what died. */
  look(ended: Ended, wasToDie?: boolean): void;
  /** After the next run, which ended by itself: nothing is owed any more. */
  expectTold(): void;
}

export function watchDeaths(agent: HeardAgent, source: string): Deaths {
  let owed: LedgerRun[] = [];
  const isTold = ({ job, startedAt }: LedgerRun) =>
    new RegExp(`${job}( of \\S+)?, begun ${startedAt}, was interrupted: the agent died`).test(agent.said());
  return {
    areOwed: () => owed.length > 0,
    look: ({ code }, wasToDie = false) => {
      const runs = runsOf(agent, source);
      const isLeft = ({ id }: LedgerRun) => runs.some((run) => run.id === id && run.result === 'running');
      for (const run of owed.filter((one) => !isLeft(one))) {
        expectInterrupted(run, runs);
        // Who was to say it may have been killed in the moment between the ledger and the word.
        if (code !== null) expect(isTold(run), `that ${run.job} ${run.id} died is told`).toBe(true);
      }
      owed = wasToDie ? runs.filter(({ result }) => result === 'running') : owed.filter(isLeft);
    },
    expectTold: () => {
      const runs = runsOf(agent, source);
      for (const run of owed) {
        expectInterrupted(run, runs);
        expect(isTold(run), `that ${run.job} ${run.id} died is told`).toBe(true);
      }
      expect(runs.filter(({ result }) => result === 'running')).toEqual([]);
      owed = [];
    },
  };
}

function expectInterrupted({ id }: LedgerRun, runs: LedgerRun[]): void {
  const now = runs.find((run) => run.id === id);
  expect(now).toMatchObject({ result: 'interrupted', reason: 'the agent died while it ran' });
}

/**
 * After a death: whatever is green is so by a run that ended well, and what such runs stored is there; without those that a
 * retention may have taken (`forgets`), whose newest one stays.
 */
export function expectTrueAfterDeath(
  agent: HeardAgent,
  source: string,
  { before, forgets }: { before: Standing; forgets: boolean },
): void {
  const after = standingOf(agent, source);
  const good = after.runs.filter(({ result }) => result === 'succeeded');
  const beganAs = (job: string) =>
    good.filter((run) => run.job === job).map(({ startedAt }) => Date.parse(startedAt));
  for (const time of [after.lastOk, after.shown.lastSuccess])
    if (time !== null) expect(beganAs('backup'), 'good backups').toContain(Date.parse(time.trim()));
  for (const time of [after.lastVerified, after.shown.lastVerified, after.shown.lastProved])
    if (time !== null) expect(beganAs('verify'), 'good verifications').toContain(Date.parse(time.trim()));
  const stored = good.flatMap(({ snapshotIds }) => snapshotIds);
  const newest = good.findLast(({ snapshotIds }) => snapshotIds.length > 0)?.snapshotIds ?? [];
  const mustBeThere = forgets ? newest : before.snapshots.filter((id) => stored.includes(id));
  expect(after.snapshots, 'good backups of before').toEqual(expect.arrayContaining(mustBeThere));
}
