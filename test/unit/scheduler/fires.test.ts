import { describe, expect, test } from 'vitest';
import { cronProblem, missedSince, nextFires, outlookOf } from '../../../agent/scheduler.ts';

function fires(cron: string, timeZone: string, from: string, count: number): string[] {
  return nextFires(cron, timeZone, new Date(from), count).map((date) =>
    date.toISOString().replace(':00.000Z', 'Z'),
  );
}

describe('an ordinary night', () => {
  test.each([
    ['UTC', ['2026-06-01T03:00Z', '2026-06-01T15:00Z', '2026-06-02T03:00Z']],
    ['Europe/Rome', ['2026-06-01T01:00Z', '2026-06-01T13:00Z', '2026-06-02T01:00Z']],
    ['America/New_York', ['2026-06-01T07:00Z', '2026-06-01T19:00Z', '2026-06-02T07:00Z']],
    ['Australia/Lord_Howe', ['2026-06-01T04:30Z', '2026-06-01T16:30Z', '2026-06-02T04:30Z']],
  ])('in %s → fires when the wall clock there says so', (zone, expected) => {
    expect(fires('0 3,15 * * *', zone, '2026-06-01T00:00:00Z', 3)).toEqual(expected);
  });

  test('asked at the very moment of a fire → the one after it', () => {
    expect(fires('0 3 * * *', 'UTC', '2026-06-01T03:00:00Z', 1)).toEqual(['2026-06-02T03:00Z']);
    expect(fires('0 3 * * *', 'UTC', '2026-06-01T02:59:59.999Z', 1)).toEqual(['2026-06-01T03:00Z']);
  });

  test('seconds in front, names, last day, nth weekday, leap day → as node-cron reads them', () => {
    expect(
      nextFires('*/20 0 3 * * *', 'UTC', new Date('2026-06-01T03:00:00Z'), 2).map((date) =>
        date.toISOString(),
      ),
    ).toEqual(['2026-06-01T03:00:20.000Z', '2026-06-01T03:00:40.000Z']);
    expect(fires('0 3 * * sat,sun', 'UTC', '2026-06-01T00:00:00Z', 2)).toEqual([
      '2026-06-06T03:00Z',
      '2026-06-07T03:00Z',
    ]);
    expect(fires('0 3 L * *', 'UTC', '2026-02-01T00:00:00Z', 2)).toEqual([
      '2026-02-28T03:00Z',
      '2026-03-31T03:00Z',
    ]);
    expect(fires('0 3 * * 1#2', 'UTC', '2026-06-01T00:00:00Z', 1)).toEqual(['2026-06-08T03:00Z']);
    expect(fires('0 3 29 2 *', 'UTC', '2026-06-01T00:00:00Z', 2)).toEqual([
      '2028-02-29T03:00Z',
      '2032-02-29T03:00Z',
    ]);
  });

  test('day of the month and day of the week → both must fit', () => {
    expect(fires('0 3 1-7 * 1', 'UTC', '2026-06-01T04:00:00Z', 2)).toEqual([
      '2026-07-06T03:00Z',
      '2026-08-03T03:00Z',
    ]);
  });
});

describe('the night in which clocks are put forward', () => {
  test.each([
    [
      'Europe/Rome',
      '30 2 * * *',
      '2026-03-28T00:00:00Z',
      ['2026-03-28T01:30Z', '2026-03-29T01:30Z', '2026-03-30T00:30Z'],
    ],
    [
      'America/New_York',
      '30 2 * * *',
      '2026-03-07T00:00:00Z',
      ['2026-03-07T07:30Z', '2026-03-08T07:30Z', '2026-03-09T06:30Z'],
    ],
    [
      'Australia/Lord_Howe',
      '15 2 * * *',
      '2026-10-02T00:00:00Z',
      ['2026-10-02T15:45Z', '2026-10-03T15:45Z', '2026-10-04T15:15Z'],
    ],
  ])(
    '%s, %s falls into the gap → fires once, a gap later, and is itself again the day after',
    (zone, cron, from, expected) => {
      expect(fires(cron, zone, from, 3)).toEqual(expected);
    },
  );

  test('a time in the gap and the time that it moves to → one fire', () => {
    expect(fires('30 2,3 * * *', 'Europe/Rome', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:30Z',
      '2026-03-30T00:30Z',
    ]);
  });

  test('half-hourly → every half hour of real time, none lost, none double', () => {
    expect(fires('*/30 * * * *', 'Europe/Rome', '2026-03-29T00:00:00Z', 5)).toEqual(
      halfHours('2026-03-29T00:30:00Z', 5),
    );
  });

  test('a whole day left out (Apia, 2011) → its fires are those of the day after, once', () => {
    expect(fires('0 3,15 * * *', 'Pacific/Apia', '2011-12-30T00:00:00Z', 4)).toEqual([
      '2011-12-30T01:00Z',
      '2011-12-30T13:00Z',
      '2011-12-31T01:00Z',
      '2011-12-31T13:00Z',
    ]);
  });
});

describe('the night in which clocks are put back', () => {
  test.each([
    ['Europe/Rome', '30 2 * * *', '2026-10-24T12:00:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['America/New_York', '30 1 * * *', '2026-10-31T12:00:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T12:00:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
  ])('%s, %s comes twice → fires the first time only', (zone, cron, from, expected) => {
    expect(fires(cron, zone, from, 2)).toEqual(expected);
  });

  test('asked between the two → not the second one', () => {
    expect(fires('30 2 * * *', 'Europe/Rome', '2026-10-25T00:45:00Z', 1)).toEqual(['2026-10-26T01:30Z']);
  });

  test.each([
    ['Europe/Rome', '2026-10-24T23:30:00Z'],
    ['America/New_York', '2026-11-01T04:30:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T13:30:00Z'],
  ])('%s, half-hourly → every half hour of real time, none lost, none double', (zone, from) => {
    expect(fires('*/30 * * * *', zone, from, 7)).toEqual(
      halfHours(new Date(Date.parse(from) + 1_800_000).toISOString(), 7),
    );
  });
});

describe('a whole year', () => {
  test.each(['Europe/Rome', 'America/New_York', 'UTC', 'Australia/Lord_Howe'])(
    '%s, any fixed time → 365 fires on 365 days, each at its own time but in the gap',
    (zone) => {
      const wall = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
      for (let hour = 0; hour < 24; hour++) {
        for (const minute of ['15', '45']) {
          const year = nextFires(`${minute} ${hour} * * *`, zone, new Date('2026-01-01T12:00:00Z'), 365);
          const shown = year.map((date) => wall.format(date));
          expect(new Set(shown.map((time) => time.slice(0, 10))).size).toBe(365);
          const wanted = ` ${String(hour).padStart(2, '0')}:${minute}`;
          expect(shown.filter((time) => !time.endsWith(wanted)).length).toBeLessThanOrEqual(1);
        }
      }
    },
    60_000,
  );
});

describe('cronProblem', () => {
  test.each([
    '0 3,15 * * *',
    '@daily',
    '*/5 * * * *',
    '0 0 3 * * *',
    '0 3 29 2 *',
    '0 3 * jan-mar mon#1',
    '0 3 L * *',
  ])('%s → none', (cron) => {
    expect(cronProblem(cron)).toBeNull();
  });

  test.each([
    ['', 'it has 0 of the five fields'],
    ['* * * *', 'it has 4 of the five fields'],
    ['0 25 * * *', '"25" is no hour (0-23)'],
    ['x y * * 8', '"x" is no minute (0-59), "y" is no hour (0-23), "8" is no day of the week (0-7)'],
    ['0 3 31 2 *', 'that day of the month does not exist in that month'],
    ['0 3 31 * 1#1', 'it would never fire: no day fits it'],
    ['0 3 * * $(x)', 'it has characters that no cron expression has'],
    ['@reboot', 'it has 1 of the five fields'],
  ])('"%s" → %s', (cron, problem) => {
    expect(cronProblem(cron)).toBe(problem);
  });
});

describe('missedSince', () => {
  const missed = (last: string | null, now: string, cron = '0 3 * * *', zone = 'Europe/Rome') =>
    missedSince(cron, zone, last === null ? null : new Date(last), new Date(now));

  test('a fire lay between the last start and now → missed', () => {
    expect(missed('2026-06-01T01:00:00Z', '2026-06-02T08:00:00Z')).toBe(true);
  });

  test('none did → not missed', () => {
    expect(missed('2026-06-01T01:00:00Z', '2026-06-02T00:59:59Z')).toBe(false);
  });

  test('a fire right now → missed; at the last start → not', () => {
    expect(missed('2026-06-01T00:00:00Z', '2026-06-01T01:00:00Z')).toBe(true);
    expect(missed('2026-06-01T01:00:00Z', '2026-06-01T01:00:01Z')).toBe(false);
  });

  test('never started, however long ago the first fire was → not missed', () => {
    expect(missed(null, '2026-06-02T08:00:00Z')).toBe(false);
  });

  test('the last start lies in the future (the clock was wrong) → not missed', () => {
    expect(missed('2036-06-01T01:00:00Z', '2026-06-02T08:00:00Z')).toBe(false);
  });

  test('the only fire fell into the gap of the clocks → missed', () => {
    expect(missed('2026-03-28T01:30:00Z', '2026-03-29T08:00:00Z', '30 2 * * *')).toBe(true);
  });

  test('started in the first of two equal hours, now the second → not missed', () => {
    expect(missed('2026-10-25T00:30:00Z', '2026-10-25T01:45:00Z', '30 2 * * *')).toBe(false);
  });
});

function halfHours(from: string, count: number): string[] {
  const first = Date.parse(from);
  return Array.from({ length: count }, (_, i) =>
    new Date(first + i * 1_800_000).toISOString().replace(':00.000Z', 'Z'),
  );
}

describe('outlook of a schedule', () => {
  const from = new Date('2026-03-04T12:00:00Z'); // a Wednesday

  test.each([
    ['twice a day', '0 3,15 * * *', '2026-03-04T15:00:00.000Z', 12],
    ['at uneven times → the wider gap', '0 1,5 * * *', '2026-03-05T01:00:00.000Z', 20],
    ['on working days → the weekend', '0 3 * * 1-5', '2026-03-05T03:00:00.000Z', 72],
    ['on Sundays', '0 5 * * 0', '2026-03-08T05:00:00.000Z', 7 * 24],
    ['in office hours → the night', '0 9-17 * * *', '2026-03-04T13:00:00.000Z', 16],
    [
      'often, in office hours of working days → the weekend',
      '*/5 8-17 * * 1-5',
      '2026-03-04T12:05:00.000Z',
      62 + 5 / 60,
    ],
  ])('%s → the next time and the widest gap', (_, cron, next, hours) => {
    const outlook = outlookOf(cron, 'UTC', from);
    expect([outlook.next?.toISOString(), outlook.everySeconds]).toEqual([next, hours * 3600]);
  });

  test('in office hours → in the mean much oftener than the night is long', () => {
    expect(outlookOf('0 9-17 * * *', 'UTC', from).meanSeconds).toBeLessThan(3 * 3600);
    expect(outlookOf('0 5 * * 0', 'UTC', from).meanSeconds).toBe(7 * 86_400);
  });

  test('which days it means → those of the expression', () => {
    const { meansDay } = outlookOf('30 0 * * 1-5', 'Europe/Rome', from);
    expect(['2026-03-06', '2026-03-07', '2026-03-09'].map((day) => meansDay(new Date(day)))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
