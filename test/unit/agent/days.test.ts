import { expect, test } from 'vitest';
import type { Run } from '../../../agent/ledger/ledger.ts';
import { pastDays, type Past } from '../../../agent/reports/days.ts';

const run = (startedAt: string, more: Partial<Run> = {}): Run => ({
  id: 1,
  job: 'backup',
  source: 'shop',
  trigger: 'schedule',
  startedAt,
  finishedAt: startedAt,
  result: 'succeeded',
  reason: 'so it was',
  hint: null,
  warnings: [],
  facts: {},
  ...more,
});

/** The last days, as many as are asked for. */
function lastDays(count: number, past: Partial<Past>): string[] {
  const days = pastDays({
    runs: [],
    isOlder: true,
    isDueOn: () => true,
    timeZone: 'UTC',
    now: new Date('2026-03-10T12:00:00Z'),
    ...past,
  });
  expect(days).toHaveLength(30);
  return days.slice(-count);
}

test('runs of every kind → the state of each day, oldest first', () => {
  const runs = [
    run('2026-03-09T03:00:00Z', { result: 'failed' }),
    run('2026-03-09T15:00:00Z', { result: 'interrupted' }),
    run('2026-03-08T03:00:00Z', { result: 'failed' }),
    run('2026-03-08T15:00:00Z'),
    run('2026-03-07T03:00:00Z', { warnings: ['incomplete, as allowed'] }),
    run('2026-03-06T03:00:00Z'),
    run('2026-03-06T15:00:00Z'),
  ];
  expect(lastDays(5, { runs })).toEqual(['good', 'problems', 'problems', 'failed', 'idle']);
});

test('a day on which a backup was due and none began → missed; one on which none was due → idle', () => {
  const isDueOn = (day: Date) => day.getUTCDay() === 1;
  // The 9th of March 2026 is a Monday.
  expect(lastDays(3, { isDueOn })).toEqual(['idle', 'missed', 'idle']);
});

test('a source that is new → nothing is missed before its first run', () => {
  const runs = [run('2026-03-08T03:00:00Z')];
  expect(lastDays(4, { runs, isOlder: false })).toEqual(['idle', 'good', 'missed', 'idle']);
  expect(new Set(lastDays(30, { isOlder: false }))).toEqual(new Set(['idle']));
});

test('a run under way on a day without another → neither good nor missed', () => {
  const runs = [run('2026-03-09T23:00:00Z', { result: 'running', finishedAt: null })];
  expect(lastDays(2, { runs })).toEqual(['idle', 'idle']);
});

test("the agent's time zone → a run shortly after its midnight counts for the new day", () => {
  const runs = [run('2026-03-08T23:30:00Z')];
  expect(lastDays(2, { runs, isDueOn: () => false, timeZone: 'Europe/Rome' })).toEqual(['good', 'idle']);
  expect(lastDays(3, { runs, isDueOn: () => false })).toEqual(['good', 'idle', 'idle']);
});
