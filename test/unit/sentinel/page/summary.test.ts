import { expect, it } from 'vitest';
import { noticesOf } from '../../../../sentinel/page/notices.ts';
import { summaryOf } from '../../../../sentinel/page/summary.ts';
import {
  factsOf,
  hoursAgo,
  pageStates,
  runOf,
  sourceOf,
  statusOf,
  upkeepOf,
} from '../../../helpers/page-states.ts';

const say = (name: string) => summaryOf(pageStates[name]!);
const failed = (name: string) => sourceOf(name, { lastRun: runOf({ result: 'failed' }) });

it('two sources, all well → everything is backed up, the oldest, when the gate closes', () => {
  const sources = [sourceOf('blog', { lastSuccess: hoursAgo(2) }), sourceOf('shop')];
  expect(summaryOf(factsOf({ status: statusOf({ sources }) }))).toEqual({
    tone: 'good',
    headline: 'Everything is backed up.',
    detail: 'Oldest: shop, 3 h ago. The gate closes in 23 h if nothing happens.',
    gate: 'The gate is open',
  });
});

it('one source → nothing is the oldest of one', () => {
  expect(summaryOf(factsOf()).detail).toBe(
    'Last good backup: 3 h ago. The gate closes in 23 h if nothing happens.',
  );
});

it('a source that does not gate and is older → does not stand for when the gate closes', () => {
  const sources = [sourceOf('archive', { gates: false, lastSuccess: hoursAgo(14) }), sourceOf('shop')];
  expect(summaryOf(factsOf({ status: statusOf({ sources }) })).detail).toContain('Oldest: shop, 3 h ago.');
});

it('a fresh install → waits, and says for what and how long', () => {
  expect(say('fresh install')).toMatchObject({
    tone: 'wait',
    headline: 'Waiting for the first backup.',
    detail: 'The next run is in 9 h. The gate closes in 22 h if nothing happens.',
  });
});

it.each([
  ['one overdue', 'warn', 'shop is overdue.'],
  ['failing', 'bad', 'The last backup of shop failed.'],
  ['closed', 'bad', 'The gate is closed: shop has no backup that is fresh enough.'],
  ['would be closed', 'bad', 'The gate would be closed: shop has no backup that is fresh enough.'],
  ['no status', 'good', 'The gate is open.'],
])('%s → the worst is the headline', (name, tone, headline) => {
  expect(say(name)).toMatchObject({ tone, headline });
});

it('backed up, and a verification failed → everything is not well', () => {
  const source = sourceOf('shop');
  source.verification!.lastRun = runOf({ job: 'verify', result: 'failed' });
  expect(summaryOf(factsOf({ status: statusOf({ sources: [source] }) }))).toMatchObject({
    tone: 'bad',
    headline: 'The last verification of shop failed.',
  });
});

it('backed up, and the check of the repository failed → everything is not well', () => {
  const lastRun = runOf({ job: 'check', source: null, result: 'failed' });
  const maintenance = [upkeepOf('check', { lastSuccess: hoursAgo(99), lastRun })];
  expect(summaryOf(factsOf({ status: statusOf({ maintenance }) }))).toMatchObject({
    tone: 'bad',
    headline: 'The last check of the repository failed.',
  });
});

it.each(['failed', 'interrupted'] as const)(
  'backed up, and the last retention %s → told, and not green',
  (result) => {
    const lastRun = runOf({ job: 'retention', source: null, result });
    const maintenance = [upkeepOf('retention', { lastSuccess: hoursAgo(99), lastRun })];
    expect(summaryOf(factsOf({ status: statusOf({ maintenance }) }))).toMatchObject({
      tone: 'warn',
      headline: 'Everything is backed up, but the last retention failed.',
    });
  },
);

it('backed up, and the last retention has warnings → told, and not green', () => {
  const lastRun = runOf({ job: 'retention', source: null, warnings: true });
  const maintenance = [upkeepOf('retention', { lastSuccess: hoursAgo(3), lastRun })];
  expect(summaryOf(factsOf({ status: statusOf({ maintenance }) }))).toMatchObject({
    tone: 'warn',
    headline: 'Everything is backed up, but the last retention has warnings.',
    gate: 'The gate is open',
  });
});

it.each(['retention', 'check'] as const)(
  'backed up, and no %s for longer than the schedule lets expect → told and not green, and the gate stays open',
  (job) => {
    const summary = (hours: number) =>
      summaryOf(
        factsOf({
          status: statusOf({
            maintenance: [upkeepOf(job, { lastSuccess: hoursAgo(hours), overdueAfterSeconds: 54_000 })],
          }),
        }),
      );
    expect(summary(16)).toMatchObject({
      tone: 'warn',
      headline: `Everything is backed up, but the last ${job} is overdue.`,
      gate: 'The gate is open',
    });
    expect(summary(14)).toMatchObject({ tone: 'good' });
  },
);

it('many that failed → the first names, and how many more', () => {
  const headline = (...names: string[]) =>
    summaryOf(factsOf({ status: statusOf({ sources: names.map(failed) }) })).headline;
  expect(headline('a', 'b')).toBe('The last backup of a and b failed.');
  expect(headline('a', 'b', 'c', 'd', 'e')).toBe('The last backup of a, b and 3 more failed.');
});

it('held open by hand → says so first, for how long and why, and what it would be', () => {
  expect(say('override')).toEqual({
    tone: 'warn',
    headline: 'The gate is held open by hand for another 1 h 30 min.',
    detail:
      'Reason: the database is moving to a new server. Without it, it would be closed. ' +
      'The oldest last good backup is 29 h old. The limit is 26 h. It opens by itself after the next good one.',
    gate: 'The gate is open by hand',
  });
});

it('a heartbeat that is wrong although all sources look well → its explanation', () => {
  const facts = factsOf({ heartbeatAge: -2 });
  expect(summaryOf(facts)).toMatchObject({
    headline: 'The gate is closed.',
    detail: 'The heartbeat lies 2 h in the future. A clock is wrong, here or at the agent.',
  });
});

it('all well → no notice', () => {
  expect(noticesOf(factsOf())).toEqual([]);
});

it.each([
  ['a run that was due hours ago', { sources: [sourceOf('shop', { nextRun: hoursAgo(5) })] }, 'due 5 h ago'],
  ['a status from the future', { writtenAt: hoursAgo(-1) }, 'wrote its status 1 h in the future'],
  [
    'a weekly schedule behind a gate of 26 hours',
    {
      sources: [
        sourceOf('shop', {
          rhythm: { next: null, everySeconds: 7 * 86_400, overdueAfterSeconds: 756_000 },
        }),
      ],
    },
    'up to 7 d apart, and the gate closes after 26 h',
  ],
])('%s → a notice', (_, more, words) => {
  expect(noticesOf(factsOf({ status: statusOf(more) }))).toEqual([expect.stringContaining(words)]);
});

it('no status → a notice that says why', () => {
  expect(noticesOf(pageStates['no status']!)).toEqual([expect.stringContaining('there is no such file')]);
});
