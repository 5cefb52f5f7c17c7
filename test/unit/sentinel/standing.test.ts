import { expect, it } from 'vitest';
import { byUrgency, standingOf } from '../../../sentinel/standing.ts';
import { hoursAgo, now, runOf, sourceOf } from '../../helpers/page-states.ts';

const hours = 3600;
const standing = (more: Parameters<typeof sourceOf>[1], thresholdSeconds = 26 * hours) =>
  standingOf(sourceOf('shop', more), thresholdSeconds, now);
const failed = runOf({ job: 'verify', result: 'failed' });
const verification = sourceOf().verification!;
const rhythm = (everyHours: number) => ({
  next: null,
  everySeconds: everyHours * hours,
  overdueAfterSeconds: everyHours * 1.25 * hours,
});

it.each([
  ['backed up on time', {}, 'good'],
  ['its newest run has warnings', { lastRun: runOf({ warnings: true }) }, 'warned'],
  ['its newest run was skipped', { lastRun: runOf({ result: 'skipped' }) }, 'warned'],
  ['its newest run failed', { lastRun: runOf({ result: 'failed' }) }, 'failing'],
  ['its newest run was interrupted', { lastRun: runOf({ result: 'interrupted' }) }, 'failing'],
  ['its newest verification failed', { verification: { ...verification, lastRun: failed } }, 'unverified'],
  [
    'a verification failed, and the next one was not run',
    {
      verification: {
        ...verification,
        verdict: 'failed',
        lastRun: runOf({ job: 'verify', result: 'skipped' }),
      },
    },
    'unverified',
  ],
  [
    'its last good verification is older than the schedule lets expect',
    { verification: { ...verification, lastSuccess: hoursAgo(211) } },
    'warned',
  ],
  [
    'its last good verification is from the future',
    { verification: { ...verification, lastSuccess: hoursAgo(-24) } },
    'warned',
  ],
  [
    'never verified, for it could not be tried',
    {
      verification: {
        ...verification,
        lastSuccess: null,
        lastRun: runOf({ job: 'verify', result: 'skipped' }),
      },
    },
    'warned',
  ],
  [
    'never verified yet, and backed up since yesterday',
    { verification: { ...verification, lastSuccess: null, awaitedSince: hoursAgo(24), lastRun: null } },
    'good',
  ],
  [
    'never verified, and backed up for longer than the schedule of verifications lets expect',
    { verification: { ...verification, lastSuccess: null, awaitedSince: hoursAgo(211), lastRun: null } },
    'warned',
  ],
  [
    'restored every week, and never proved for longer than the schedule lets expect',
    {
      verification: {
        ...verification,
        lastSuccess: null,
        awaitedSince: hoursAgo(211),
        lastProved: null,
        verdict: 'restored',
      },
    },
    'warned',
  ],
  [
    'never verified, as an older agent tells it',
    { verification: { ...verification, lastSuccess: null, awaitedSince: null, lastRun: null } },
    'good',
  ],
  ['a run is under way', { lastRun: runOf({ result: 'running', finishedAt: null }) }, 'good'],
  ['exactly as old as the schedule lets expect', { lastSuccess: hoursAgo(15) }, 'good'],
  ['older than the schedule lets expect', { lastSuccess: hoursAgo(15.1) }, 'overdue'],
  ['older than the gate lets pass', { lastSuccess: hoursAgo(26.1) }, 'stale'],
  ['as old, and it does not gate', { lastSuccess: hoursAgo(26.1), gates: false }, 'overdue'],
  ['old, without any schedule', { lastSuccess: hoursAgo(25), rhythm: null }, 'good'],
  ['never backed up', { lastSuccess: null, lastRun: null }, 'waiting'],
  ['never backed up, and it failed', { lastSuccess: null, lastRun: runOf({ result: 'failed' }) }, 'failing'],
  ['from the future', { lastSuccess: hoursAgo(-1) }, 'stale'],
] as const)('%s → its state', (_, more, state) => {
  expect(standing(more).state).toBe(state);
});

it.each([
  ['twice a day', 12, 26, 15],
  // 30 hours by the schedule alone: the gate would have closed before anybody was told.
  ['once a day, the gate after 26 hours → half-way between', 24, 26, 25],
  ['once a day, the gate after 48 hours', 24, 48, 30],
  ['once a week, the gate after 26 hours', 168, 26, 26],
])('%s → when it counts as overdue', (_, every, gate, overdue) => {
  const { overdueAfterSeconds } = standing({ rhythm: rhythm(every) }, gate * hours);
  expect(overdueAfterSeconds).toBe(overdue * hours);
});

it('a schedule with wider gaps than the gate lets pass → is told', () => {
  expect(standing({ rhythm: rhythm(168) }).gateIsTighterThanSchedule).toBe(true);
  expect(standing({ rhythm: rhythm(168), gates: false }).gateIsTighterThanSchedule).toBe(false);
  expect(standing({ rhythm: rhythm(12) }).gateIsTighterThanSchedule).toBe(false);
});

it('sources in any state → the worst first, the oldest of equals before the others', () => {
  const all = [
    standing({ lastSuccess: hoursAgo(1) }),
    standing({ lastSuccess: hoursAgo(9) }),
    standing({ lastSuccess: null, lastRun: null }),
    standing({ lastSuccess: hoursAgo(40) }),
    standing({ lastRun: runOf({ result: 'failed' }) }),
  ];
  expect(all.sort(byUrgency).map(({ state, ageSeconds }) => [state, (ageSeconds ?? 0) / hours])).toEqual([
    ['stale', 40],
    ['failing', 3],
    ['waiting', 0],
    ['good', 9],
    ['good', 1],
  ]);
});
