import { describe, expect, test } from 'vitest';
import {
  advanced,
  nextPart,
  recallCycle,
  type Cycle,
  type CyclePlan,
} from '../../../agent/jobs/upkeep/check-cycle.ts';
import { checkJob } from '../../../agent/jobs/upkeep/check.ts';
import { HoldfastError } from '../../../agent/core/errors.ts';
import type { Run } from '../../../agent/ledger/ledger.ts';
import type { CheckPart, Repository } from '../../../agent/repository/repository.ts';

const DAY = 86_400;
const GB = 1e9;
const AT = '2026-11-01T03:00:00Z';
const plan: CyclePlan = { seconds: 30 * DAY, maxBytes: null, betweenSeconds: 3 * DAY };

describe('the number of parts', () => {
  test.each<[string, Partial<CyclePlan>, number, number]>([
    ['a check every three days, all in thirty → ten', {}, GB, 10],
    ['a check every week → four, so that it takes no longer', { betweenSeconds: 7 * DAY }, GB, 4],
    ['a check less often than the cycle → all at once', { betweenSeconds: 60 * DAY }, GB, 1],
    ['a check every hour → no more than restic knows', { betweenSeconds: 3600 }, GB, 256],
    ['a limit that is not reached → the time decides', { maxBytes: GB }, GB, 10],
    ['a limit that the parts would pass → more parts, with room to grow', { maxBytes: GB }, 40 * GB, 50],
    ['no schedule → all at once', { betweenSeconds: null }, GB, 1],
  ])('%s', (_, more, bytes, of) => {
    expect(nextPart(null, { ...plan, ...more }, bytes)).toMatchObject({ part: 1, of });
  });

  test('a limit that makes the cycle longer → said, with both times', () => {
    const { remarks } = nextPart(null, { ...plan, maxBytes: GB }, 40 * GB);
    expect(remarks).toEqual([
      'all data is read once in 150 days and not in 30 days, for one check reads at most 1.00 GB (BACKUP_CHECK_BYTES)',
    ]);
  });

  test('a repository of which the smallest part passes the limit → said', () => {
    expect(nextPart(null, { ...plan, maxBytes: GB }, 1000 * GB).remarks.join()).toMatch(
      /a part takes 3.91 GB, more than 1.00 GB/,
    );
  });
});

describe('a cycle', () => {
  const half: Cycle = { next: 6, of: 10, startedAt: AT, completedAt: null };

  test('goes through each part once, and then is complete', () => {
    const seen: number[] = [];
    let cycle: Cycle | null = null;
    do {
      const next = nextPart(cycle, plan, GB);
      seen.push(next.part);
      cycle = advanced(cycle, next, AT);
    } while (cycle.completedAt === null);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(nextPart(cycle, plan, GB)).toMatchObject({ part: 1, of: 10, remarks: [] });
  });

  test('a plan that wants a few parts more or less → the cycle ends as it began', () => {
    expect(nextPart(half, { ...plan, betweenSeconds: 2 * DAY }, GB)).toMatchObject({ part: 6, of: 10 });
    expect(nextPart(half, { ...plan, betweenSeconds: 5 * DAY }, GB)).toMatchObject({ part: 6, of: 10 });
  });

  test('a repository whose parts have outgrown the limit → begins anew, and says so', () => {
    expect(nextPart(half, { ...plan, maxBytes: GB }, 12 * GB)).toMatchObject({
      part: 1,
      of: 15,
      remarks: [
        'reading begins anew, in 15 parts in place of 10',
        expect.stringMatching(/^all data is read/),
      ],
    });
  });

  test('a plan that wants less than half as many parts → begins anew', () => {
    expect(nextPart(half, { ...plan, betweenSeconds: 10 * DAY }, GB)).toMatchObject({ part: 1, of: 3 });
  });
});

describe('the job', () => {
  function checks(answers: (() => Promise<void>)[], stats?: Repository['stats']) {
    const asked: CheckPart[] = [];
    const notes = new Map<string, string>();
    const kept = {
      remember: (key: string, value: string) => void notes.set(key, value),
      recall: (key: string) => notes.get(key) ?? null,
    };
    const repository = {
      location: '/repository',
      identify: () => Promise.resolve('abc'),
      check: (part: CheckPart) => {
        asked.push(part);
        return (answers.shift() ?? (() => Promise.resolve()))();
      },
      stats: stats ?? (() => Promise.resolve({ storedBytes: GB, restoreBytes: 1, snapshots: 3 })),
    } as unknown as Repository;
    const now = () => new Date(AT);
    const plan = { seconds: 2 * DAY, maxBytes: null, betweenSeconds: DAY };
    const run = (what: 'structure' | 'next-part' | 'all-data', damage: Run | null = null) =>
      checkJob({ repository, notes: kept, what, plan, openDamage: () => damage, now, timeoutMs: 1000 }).run({
        signal: new AbortController().signal,
        onProgress: () => undefined,
      });
    return { asked, run, cycle: () => recallCycle(kept, 'abc') };
  }

  test('a part that is found damaged → the same part is the next one', async () => {
    const { asked, run, cycle } = checks([() => Promise.reject(new Error('damaged'))]);
    await expect(run('next-part')).rejects.toThrow('damaged');
    expect(cycle()).toBeNull();
    await run('next-part');
    const last = await run('next-part');
    expect(asked).toMatchObject([
      { part: 1, of: 2 },
      { part: 1, of: 2 },
      { part: 2, of: 2 },
    ]);
    expect(last).toMatchObject({
      reason:
        'the structure of the repository is sound, and so is part 2 of 2 of its data; all data has been read',
      facts: { checkedPart: 2, checkedOf: 2, allDataReadAt: AT },
    });
  });

  test('damage that was read → the run says where; a look at the structure alone warns that it was not looked at again', async () => {
    const found = new HoldfastError('repository_damaged', 'damaged');
    const { run } = checks([() => Promise.reject(found)]);
    const failed: unknown = await run('all-data').catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'repository_damaged', facts: { checkedPart: 1, checkedOf: 1 } });
    const damage = { startedAt: AT, facts: { checkedPart: 1, checkedOf: 1 } } as unknown as Run;
    expect((await run('structure', damage)).warnings).toEqual([
      `the data was found damaged at ${AT} and has not been read since: run \`holdfast check --all-data\`, or \`holdfast repair\``,
    ]);
    expect((await run('all-data', damage)).warnings).toEqual([]);
  });

  test('all data is read by hand → a cycle is complete', async () => {
    const { run, cycle } = checks([]);
    await run('next-part');
    await run('all-data');
    expect(cycle()).toMatchObject({ next: 1, completedAt: AT });
  });

  test('the size cannot be told → the structure alone is checked, the part does not advance, and it says so', async () => {
    const { asked, run, cycle } = checks([], () => Promise.reject(new Error('no answer')));
    const { warnings } = await run('next-part');
    expect(asked).toEqual(['structure']);
    expect(cycle()).toBeNull();
    expect(warnings[1]).toMatch(/no data was read/);
  });
});
