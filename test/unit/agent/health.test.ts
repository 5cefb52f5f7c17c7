import { describe, expect, test } from 'vitest';
import { judgeHealth } from '../../../agent/health.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import type { Pulse } from '../../../agent/pulse.ts';
import { TestClock } from '../../helpers/clock.ts';

const DUE = '2026-11-01T03:00:00Z';

const OF_ALL = { source: null, group: null };

/** A daemon that looked at that time, at which the backup had last come due at `due`. */
const pulseAt = (clock: TestClock, due: string | null = null): Pulse => ({
  version: 1,
  at: clock.now().toISOString(),
  againBy: clock.in(30).toISOString(),
  jobs: [
    { name: 'backup', ...OF_ALL, due, next: '2026-11-01T15:00:00Z' },
    { name: 'verify', ...OF_ALL, due: null, next: null },
  ],
});

function scene(startsAt = DUE) {
  const clock = new TestClock(startsAt);
  const ledger = openLedger(':memory:', clock);
  const begin = () => ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  const check = () => ledger.begin({ job: 'check', source: null, trigger: 'command' });
  const finish = (id: number, result: 'succeeded' | 'failed' | 'skipped' = 'succeeded') =>
    ledger.finish(id, { result, reason: 'so it ended' });
  return {
    clock,
    ledger,
    begin,
    check,
    finish,
    judge: (pulse: Pulse | null) => judgeHealth(pulse, ledger, clock.now()),
  };
}

describe('the scheduler', () => {
  test('no daemon ever ran → not healthy', () => {
    expect(scene().judge(null)).toMatchObject({
      healthy: false,
      reason: expect.stringMatching(/no daemon/) as string,
      lookedAt: null,
    });
  });

  test('it looks at the clock, nothing was ever due → healthy, and says what comes next', () => {
    const { clock, judge } = scene();
    const health = judge(pulseAt(clock));
    expect(health).toMatchObject({ healthy: true, hint: null });
    expect(health.reason).toMatch(/next backup 2026-11-01T15:00:00Z; next verify never/);
  });

  test('it meant to look half a minute later and did not → not healthy, after a quarter of a minute more', () => {
    const { clock, judge } = scene();
    const pulse = pulseAt(clock);
    clock.advance(45);
    expect(judge(pulse).healthy).toBe(true);
    clock.advance(1);
    expect(judge(pulse)).toMatchObject({ healthy: false });
    expect(judge(pulse).reason).toMatch(/looked at the clock at .*03:00:00.*and not since/);
  });

  test('it stands still and the clock is set back → a look that is still to come is none', () => {
    const { clock, judge } = scene();
    const pulse = pulseAt(clock);
    clock.advance(-3600);
    expect(judge(pulse).healthy).toBe(false);
  });
});

describe('a run that was due', () => {
  test('it has not begun a minute later and nothing else runs → not healthy, with the job by name', () => {
    const { clock, judge } = scene();
    clock.advance(60);
    expect(judge(pulseAt(clock, DUE))).toMatchObject({ healthy: true, jobs: [{ happened: null }, {}] });
    clock.advance(1);
    const health = judge(pulseAt(clock, DUE));
    expect(health).toMatchObject({ healthy: false, jobs: [{ happened: false }, { happened: null }] });
    expect(health.reason).toBe(`backup was due at ${DUE} and has not run`);
  });

  test.each(['succeeded', 'failed'] as const)('it %s → it happened', (result) => {
    const { clock, begin, finish, judge } = scene();
    finish(begin(), result);
    clock.advance(3600);
    expect(judge(pulseAt(clock, DUE))).toMatchObject({ healthy: true, jobs: [{ happened: true }, {}] });
  });

  test('it was skipped, or the last run was the one before → it has not happened', () => {
    const { clock, begin, finish, judge } = scene('2026-10-31T15:00:00Z');
    finish(begin());
    clock.advance(12 * 3600);
    finish(begin(), 'skipped');
    clock.advance(61);
    expect(judge(pulseAt(clock, DUE))).toMatchObject({ healthy: false });
  });

  test('the run before it still went on then → it happened, also when that ends', () => {
    const { clock, begin, finish, judge } = scene('2026-11-01T01:00:00Z');
    const long = begin();
    clock.advance(2.5 * 3600);
    expect(judge(pulseAt(clock, DUE)).healthy).toBe(true);
    finish(long);
    clock.advance(3600);
    expect(judge(pulseAt(clock, DUE)).healthy).toBe(true);
  });

  test('it waits for another job → healthy as long as that runs, and a minute more', () => {
    const { clock, check, finish, judge } = scene();
    const other = check();
    clock.advance(6 * 3600);
    expect(judge(pulseAt(clock, DUE))).toMatchObject({ healthy: true, jobs: [{ happened: null }, {}] });
    finish(other);
    clock.advance(60);
    expect(judge(pulseAt(clock, DUE)).healthy).toBe(true);
    clock.advance(1);
    expect(judge(pulseAt(clock, DUE)).healthy).toBe(false);
  });
});

test.each([
  [
    'what belongs to no tenant of another source was backed up',
    { name: 'global-backup', source: 'clinic', group: null },
    { job: 'global-backup', source: 'school', facts: {} },
    /^global-backup of clinic was due at .* has not run$/,
    /`holdfast backup clinic --global` does it now/,
  ],
  [
    'another group was backed up',
    { name: 'tenant-backup', source: 'clinic', group: 'high' },
    { job: 'tenant-backup', source: 'clinic', facts: { group: 'low' } },
    /^tenant-backup of the group high of clinic was due/,
    /`holdfast backup clinic --tenants` does it now/,
  ],
] as const)('%s → it is no run of this one, which is missed and named', (_, due, other, reason, hint) => {
  const { clock, ledger, finish, judge } = scene();
  clock.advance(1);
  finish(ledger.begin({ ...other, trigger: 'schedule' }));
  clock.advance(120);
  const pulse: Pulse = { ...pulseAt(clock), jobs: [{ ...due, due: DUE, next: null }] };
  const health = judge(pulse);
  expect(health).toMatchObject({ healthy: false, hint: expect.stringMatching(hint) as string });
  expect(health.reason).toMatch(reason);
  const { source, group } = due;
  finish(
    ledger.begin({ job: due.name, source, trigger: 'schedule', facts: group === null ? {} : { group } }),
  );
  expect(
    judge({ ...pulse, ...{ at: clock.now().toISOString(), againBy: clock.in(30).toISOString() } }).healthy,
  ).toBe(true);
});
