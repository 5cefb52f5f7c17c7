import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../agent/core/clock.ts';
import { startScheduler } from '../../../agent/scheduler.ts';
import type { Look, ScheduledJob, Scheduler } from '../../../agent/scheduler.ts';

const HOUR = 3_600_000;

let log: string[];
let runs: string[];
let looks: Look[];
let scheduler: Scheduler | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-06-01T02:00:00Z') });
  log = [];
  runs = [];
  looks = [];
});
afterEach(async () => {
  await scheduler?.stop();
  vi.useRealTimers();
});

function start(...jobs: Partial<ScheduledJob>[]): void {
  const note = (level: string) => (_facts: object, message: string) => void log.push(`${level}: ${message}`);
  scheduler = startScheduler({
    jobs: jobs.map((job) => {
      const name = job.name ?? 'backup';
      const run = (trigger: string) => {
        runs.push(`${name} ${trigger} ${new Date().toISOString().slice(0, 19)}`);
        return Promise.resolve();
      };
      return { name, cron: '0 3 * * *', timeZone: 'UTC', lastStartedAt: null, run, ...job };
    }),
    clock: systemClock,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    looked: (look) => void looks.push(look),
  });
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const setClock = (time: string) => vi.setSystemTime(new Date(time));

describe('the scheduler', () => {
  test('the time comes → the job runs, at that second, and again the next day', async () => {
    start({});
    await pass(26 * HOUR);
    expect(runs).toEqual(['backup schedule 2026-06-01T03:00:00', 'backup schedule 2026-06-02T03:00:00']);
  });

  test('asked → says when each job runs next', () => {
    start({}, { name: 'verify', cron: '0 5 * * 0', timeZone: 'Europe/Rome' });
    expect(scheduler?.nextRuns()).toEqual([
      { name: 'backup', at: new Date('2026-06-01T03:00:00Z') },
      { name: 'verify', at: new Date('2026-06-07T03:00:00Z') },
    ]);
  });

  test('a run fails → it is logged, and the next one comes all the same', async () => {
    start({ run: () => Promise.reject(new Error('boom')) });
    await pass(26 * HOUR);
    expect(log.filter((line) => line.startsWith('error'))).toEqual([
      'error: backup broke off',
      'error: backup broke off',
    ]);
  });

  test.each([
    ['Europe/Rome', '2026-03-28T12:00:00Z', '2026-03-29T01:30:00', '30 2 * * *'],
    ['Europe/Rome', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00', '30 2 * * *'],
    ['America/New_York', '2026-03-07T12:00:00Z', '2026-03-08T07:30:00', '30 2 * * *'],
    ['America/New_York', '2026-10-31T12:00:00Z', '2026-11-01T05:30:00', '30 1 * * *'],
    ['Australia/Lord_Howe', '2026-10-03T02:00:00Z', '2026-10-03T15:45:00', '15 2 * * *'],
    ['Australia/Lord_Howe', '2026-04-04T02:00:00Z', '2026-04-04T14:45:00', '45 1 * * *'],
  ])('clocks change in %s (%s) → one run that night', async (timeZone, now, expected, cron) => {
    setClock(now);
    start({ timeZone, cron });
    await pass(24 * HOUR);
    expect(runs).toEqual([`backup schedule ${expected}`]);
  });
});

describe('looks', () => {
  test('nothing is due for hours → it still looks every half minute, and says when it will again', async () => {
    start({});
    await pass(60_000);
    expect(
      looks.map(({ at, againBy }) => [at, againBy].map((time) => time.toISOString().slice(11, 19))),
    ).toEqual([
      ['02:00:00', '02:00:30'],
      ['02:00:30', '02:01:00'],
      ['02:01:00', '02:01:30'],
    ]);
    expect(looks.at(-1)?.jobs).toEqual([
      { name: 'backup', due: null, next: new Date('2026-06-01T03:00:00Z') },
    ]);
  });

  test('a run is due, and the one after it is skipped → the due one is told until a later one is taken up', async () => {
    let finish = (): void => undefined;
    start({ cron: '*/10 * * * *', run: () => new Promise<void>((resolve) => (finish = resolve)) });
    const due = () => looks.at(-1)?.jobs[0]?.due;
    await pass(25 * 60_000);
    expect(due()).toEqual(new Date('2026-06-01T02:10:00Z'));
    finish();
    await pass(5 * 60_000);
    expect(due()).toEqual(new Date('2026-06-01T02:30:00Z'));
    finish();
  });

  test('a run was missed while down → it is due at the start', () => {
    start({ lastStartedAt: new Date('2026-05-29T03:00:00Z') });
    expect(looks[0]?.jobs[0]?.due).toEqual(new Date('2026-06-01T02:00:00Z'));
  });
});

describe('overlap', () => {
  test('the time comes while the job still runs → that fire is skipped and logged, the one after it runs', async () => {
    let finish = (): void => undefined;
    const run = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
    start({ cron: '*/10 * * * *', run });
    await pass(25 * 60_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(log.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: backup is skipped: the run before it has not ended',
    ]);
    finish();
    await pass(10 * 60_000);
    expect(run).toHaveBeenCalledTimes(2);
    finish();
  });

  test('two jobs due at once → one after the other, in their order', async () => {
    let finish = (): void => undefined;
    start({ run: () => new Promise<void>((resolve) => (finish = resolve)) }, { name: 'verify' });
    await pass(HOUR + 1000);
    expect(runs).toEqual([]);
    finish();
    await pass(0);
    expect(runs).toEqual(['verify schedule 2026-06-01T03:00:01']);
  });
});

describe('missed while down', () => {
  test('three fires missed → caught up once, at the start, and on schedule afterwards', async () => {
    start({ lastStartedAt: new Date('2026-05-29T03:00:00Z') });
    await pass(2 * HOUR);
    expect(runs).toEqual(['backup catch-up 2026-06-01T02:00:00', 'backup schedule 2026-06-01T03:00:00']);
  });

  test('nothing missed, or a job never seen before → no catch-up', async () => {
    start({ lastStartedAt: new Date('2026-05-31T03:00:00Z') }, { name: 'verify', lastStartedAt: null });
    await pass(0.5 * HOUR);
    expect(runs).toEqual([]);
  });

  test('several jobs missed → one after the other', async () => {
    const lastStartedAt = new Date('2026-05-01T03:00:00Z');
    start({ lastStartedAt }, { name: 'verify', lastStartedAt });
    await pass(0);
    expect(runs).toEqual(['backup catch-up 2026-06-01T02:00:00', 'verify catch-up 2026-06-01T02:00:00']);
  });
});

describe('a clock that does not just tick', () => {
  test('woken seconds late, or the machine slept over it → the run comes late, not never', async () => {
    start({});
    await pass(HOUR - 1000);
    setClock('2026-06-01T03:00:05Z');
    await pass(30_000);
    expect(runs).toHaveLength(1);
  });

  test('jumps ahead over five fires → one run within half a minute', async () => {
    start({});
    await pass(1000);
    setClock('2026-06-06T01:00:00Z');
    await pass(30_000);
    expect(runs).toHaveLength(1);
    await pass(2 * HOUR);
    expect(runs.at(-1)).toBe('backup schedule 2026-06-06T03:00:00');
    expect(runs).toHaveLength(2);
  });

  test('set back by an hour after the run → no second run at the same time of that day', async () => {
    start({});
    await pass(1.2 * HOUR);
    setClock('2026-06-01T02:12:00Z');
    await pass(25.8 * HOUR);
    expect(runs).toEqual(['backup schedule 2026-06-01T03:00:00', 'backup schedule 2026-06-02T03:00:00']);
  });

  test('set back by seconds right at the fire → no second run', async () => {
    start({});
    await pass(HOUR);
    setClock('2026-06-01T02:59:58Z');
    await pass(2 * HOUR);
    expect(runs).toHaveLength(1);
  });

  test('set back before the time came → the run comes at its time', async () => {
    start({});
    await pass(0.9 * HOUR);
    setClock('2026-06-01T01:00:00Z');
    await pass(2.1 * HOUR);
    expect(runs).toEqual(['backup schedule 2026-06-01T03:00:00']);
  });

  test('was a year ahead and is put right → runs again within a day, not after a year', async () => {
    setClock('2027-06-01T02:00:00Z');
    start({ lastStartedAt: new Date('2027-05-31T03:00:00Z') });
    await pass(1.5 * HOUR);
    expect(runs).toHaveLength(1);
    setClock('2026-06-01T03:30:00Z');
    await pass(24 * HOUR);
    expect(runs.slice(1)).toEqual(['backup schedule 2026-06-02T03:00:00']);
    await pass(24 * HOUR);
    expect(runs).toHaveLength(3);
  });

  test('ran, then restarted and set back over that run → no second run', async () => {
    start({ lastStartedAt: new Date('2026-06-01T03:00:00Z') });
    await pass(1.5 * HOUR);
    expect(runs).toEqual([]);
  });
});

describe('stopping', () => {
  test('stopped while idle → nothing runs any more', async () => {
    start({});
    await scheduler?.stop();
    await pass(48 * HOUR);
    expect(runs).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('stopped while a job runs → waits for its end, starts nothing of what waits', async () => {
    let finish = (): void => undefined;
    start({ run: () => new Promise<void>((resolve) => (finish = resolve)) }, { name: 'verify' });
    await pass(HOUR);
    const stopped = vi.fn();
    const stopping = scheduler?.stop().then(stopped);
    await pass(HOUR);
    expect(stopped).not.toHaveBeenCalled();
    finish();
    await stopping;
    expect(runs).toEqual([]);
  });
});
