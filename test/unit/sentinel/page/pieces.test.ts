import { describe, expect, it } from 'vitest';
import { ageBar } from '../../../../sentinel/page/age-bar.ts';
import { sourceCard } from '../../../../sentinel/page/card.ts';
import { repositoryList } from '../../../../sentinel/page/repositories.ts';
import { runList } from '../../../../sentinel/page/runs.ts';
import { sizeTrend, trendWords } from '../../../../sentinel/page/sparkline.ts';
import { daysSentence, dayStrip } from '../../../../sentinel/page/strip.ts';
import { timesIn } from '../../../../sentinel/page/times.ts';
import { standingOf } from '../../../../sentinel/standing.ts';
import { daysOf, hoursAgo, now, runOf, sourceOf, statusOf, upkeepOf } from '../../../helpers/page-states.ts';

const times = timesIn('Europe/Rome', now);
const text = (markup: { text: string }) =>
  markup.text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

describe('times', () => {
  it.each([
    ['2026-11-20T09:10:00Z', '3 h ago', 'today 10:10'],
    ['2026-11-19T23:30:00Z', '12 h 40 min ago', 'today 00:30'],
    ['2026-11-19T03:00:00Z', '33 h 10 min ago', 'yesterday 04:00'],
    ['2026-11-08T03:00:00Z', '12 d 9 h ago', 'Sun 8 Nov, 04:00'],
  ])('%s → as people in Rome say it', (iso, ago, at) => {
    expect([times.ago(iso), times.at(iso)]).toEqual([ago, at]);
  });

  it('what is still to come → in so long; what should have come → so long ago', () => {
    expect([times.until('2026-11-21T02:10:00Z'), times.at('2026-11-21T02:10:00Z')]).toEqual([
      'in 14 h',
      'tomorrow 03:10',
    ]);
    expect(times.until(hoursAgo(2))).toBe('2 h ago');
  });

  it('a zone that nobody knows → UTC', () => {
    const elsewhere = timesIn('Moon/Tranquillity', now);
    expect([elsewhere.zone, elsewhere.at('2026-11-20T09:10:00Z')]).toEqual(['UTC', 'today 09:10']);
  });
});

describe('the strip of days', () => {
  it('days of each kind → counted in words, and each drawn in a way of its own', () => {
    const days = daysOf('problems', 'failed', 'missed', 'idle');
    expect(daysSentence(days)).toBe('Last 30 days: 26 good, 1 with problems, 1 failed, 1 missed.');
    const drawn = [...dayStrip(days).text.matchAll(/class="(\w)" d="([^"]+)"/g)].map(([, style, d]) => [
      style,
      d,
    ]);
    expect(Object.fromEntries(drawn)).toMatchObject({
      g: 'M0 9h103',
      p: 'M104 9h3',
      f: 'M108 8h3',
      m: 'M112 9h3',
    });
  });

  it('only idle days → says that there was no backup', () => {
    expect(daysSentence(daysOf().map(() => 'idle'))).toBe('Last 30 days: no backup yet.');
  });

  it('nothing told → nothing drawn', () => {
    expect(dayStrip([]).text).toBe('');
  });
});

describe('the trend of sizes', () => {
  it.each([
    [[100, 150, 104], 'up 4 %'],
    [[100, 50], 'down 50 %'],
    [[1000, 1001], 'steady'],
    [[0, 10], 'up from nothing'],
    [[0, 0], 'steady'],
    [[7], ''],
  ])('%j → %s', (sizes, words) => {
    expect(trendWords(sizes)).toBe(words);
  });

  it('a hundred sizes → a short line that begins and ends at the edges', () => {
    const { text: markup } = sizeTrend(Array.from({ length: 100 }, (_, i) => i * 1000));
    const steps = (/l([-\d ]+)"/.exec(markup)?.[1] ?? '').split(' ').map(Number);
    expect(steps).toHaveLength(20);
    expect(steps.filter((_, i) => i % 2 === 0).reduce((x, dx) => x + dx, 1)).toBe(71);
  });

  it('a small change → a small slope', () => {
    expect(sizeTrend([1000, 1050]).text).toContain('d="M1 12l70 -4"');
    expect(sizeTrend([1000, 2000]).text).toContain('d="M1 18l70 -16"');
  });
});

describe('the bar', () => {
  const barOf = (more: Parameters<typeof sourceOf>[1]) =>
    ageBar(standingOf(sourceOf('shop', more), 93_600, now));

  it('half of the limit → half full, with the mark and both limits in words', () => {
    const bar = barOf({ lastSuccess: hoursAgo(13) });
    expect(bar.text).toContain('<rect width="50%"/><rect x="58%"/>');
    expect(text(bar)).toBe('overdue after 15 h · gate closes after 26 h');
  });

  it('beyond the limit, or from the future → full, or empty', () => {
    expect(barOf({ lastSuccess: hoursAgo(80) }).text).toContain('width="100%"');
    expect(barOf({ lastSuccess: hoursAgo(-80) }).text).toContain('width="0%"');
  });

  it('a source that does not gate → measured against its schedule', () => {
    const bar = barOf({ lastSuccess: hoursAgo(7.5), gates: false });
    expect(bar.text).toContain('width="50%"');
    expect(text(bar)).toBe('overdue after 15 h · does not gate');
  });
});

describe('the card', () => {
  const cardOf = (more: Parameters<typeof sourceOf>[1]) => {
    const source = sourceOf('shop', more);
    return text(sourceCard({ source, standing: standingOf(source, 93_600, now) }, times));
  };

  it('all well → no reason, no hint', () => {
    const card = cardOf({});
    expect(card).toContain('shop mariadb Backed up 3 h ago today 10:10');
    expect(card).toContain('Next run in 9 h today 22:10');
    expect(card).toContain('Verified proved 2 d 5 h ago Wed 18 Nov, 08:10 , restored in 41 s Size');
    expect(card).not.toMatch(/\bstored/);
  });

  it('a run that failed → its reason and its hint', () => {
    const lastRun = runOf({ result: 'failed', reason: 'cannot log in', hint: 'Check MYSQL_PASSWORD.' });
    expect(cardOf({ lastRun })).toContain('cannot log in Check MYSQL_PASSWORD.');
  });

  it('a verification that failed → its reason and its hint, whatever the backups', () => {
    const lastRun = runOf({
      job: 'verify',
      result: 'failed',
      reason: 'came back without a single table',
      hint: 'Run `holdfast verify` again.',
    });
    const card = cardOf({ verification: { ...sourceOf().verification!, lastRun } });
    expect(card).toContain('Verification failed 3 h ago');
    expect(card).toContain('came back without a single table Run holdfast verify again.');
  });

  it('a verification failed, and the next one was not run → the failure stands, with what it found', () => {
    const lastRun = runOf({ job: 'verify', result: 'skipped', reason: 'no room' });
    const verification = {
      ...sourceOf().verification!,
      lastRun,
      verdict: 'failed' as const,
      why: 'orders lacks 3 rows',
    };
    const card = cardOf({ verification });
    expect(card).toContain('Verification failed 3 h ago');
    expect(card).toContain('orders lacks 3 rows');
    expect(card).toContain('Verified failed , nothing shown since; proved 2 d 5 h ago');
  });

  it('a run with warnings → what they are', () => {
    const lastRun = runOf({ warnings: true, notes: ['events are left out'] });
    expect(cardOf({ lastRun })).toContain('Backed up, with warnings');
    expect(cardOf({ lastRun })).toContain('events are left out');
  });

  it.each([
    [
      'that restored and proved nothing',
      { verdict: 'restored' as const, why: 'there is no proof' },
      'Verified restored, not proven 2 d 5 h ago, restored in 41 s',
    ],
    [
      'that could not be run',
      {
        verdict: 'not run' as const,
        lastRun: runOf({ job: 'verify', result: 'skipped', startedAt: hoursAgo(5) }),
      },
      'Verified not run 5 h ago; proved 2 d 5 h ago',
    ],
    [
      'that could not be run for weeks',
      {
        verdict: 'not run' as const,
        lastSuccess: hoursAgo(240),
        lastProved: hoursAgo(240),
        lastRun: runOf({ job: 'verify', result: 'skipped', startedAt: hoursAgo(5) }),
      },
      'Verified not run 5 h ago; proved 10 d ago overdue after 8 d 18 h',
    ],
    ['slower than the objective', { restoreSeconds: 1200 }, ', restored in 20 min objective 15 min'],
    ['by samples', { sampledTables: 2 }, ', 2 tables by samples, restored in 41 s'],
    [
      'that never proved anything, for longer than the schedule lets expect',
      {
        verdict: 'restored' as const,
        lastSuccess: null,
        lastProved: null,
        awaitedSince: hoursAgo(240),
      },
      'Verified restored, not proven 2 d 5 h ago, restored in 41 s overdue after 8 d 18 h',
    ],
    [
      'never tried',
      {
        ...{ lastSuccess: null, lastProved: null, verdict: null, lastRun: null },
        awaitedSince: hoursAgo(24),
      },
      'Verified not yet, in 4 d 19 h Size',
    ],
    [
      'never tried for too long',
      {
        ...{ lastSuccess: null, lastProved: null, verdict: null, lastRun: null },
        awaitedSince: hoursAgo(240),
      },
      'Verified not yet, in 4 d 19 h overdue after 8 d 18 h',
    ],
    [
      'failed',
      { lastRun: runOf({ job: 'verify', result: 'failed', startedAt: hoursAgo(5) }) },
      'Verified failed 5 h ago',
    ],
    [
      'older than the schedule lets expect',
      { lastSuccess: hoursAgo(240) },
      ', restored in 41 s overdue after 8 d 18 h',
    ],
  ])('verification %s → is told', (_, more, words) => {
    const verification = { ...sourceOf().verification!, ...more };
    expect(cardOf({ verification })).toContain(words);
  });
});

describe('the runs', () => {
  it('a failure and a success → reason and hint for the failure alone', () => {
    const list = text(
      runList(
        [
          runOf({ result: 'failed', reason: 'no space', hint: 'Free some.', bytes: null }),
          runOf({ job: 'retention', source: null, bytes: null }),
          runOf(),
        ],
        times,
      ),
    );
    expect(list).toBe(
      'today 10:10 Backup of shop failed 41 s no space Free some. today 10:10 Retention done 41 s ' +
        'today 10:10 Backup of shop done 41 s, 12.3 MB',
    );
  });

  it.each([
    [
      'Start it with `docker compose start db`, then run `holdfast backup`.',
      'Start it with <code>docker compose start db</code>, then run <code>holdfast backup</code>.',
    ],
    [
      'Run as an administrator: GRANT ALL PRIVILEGES ON `holdfast\\_%`.* TO `holdfast`@`%`;',
      'Run as an administrator: GRANT ALL PRIVILEGES ON `holdfast\\_%`.* TO `holdfast`@`%`;',
    ],
    ['GRANT SELECT ON `holdfast`.* TO x;', 'GRANT SELECT ON `holdfast`.* TO x;'],
  ])(
    'the hint %s → commands are set apart, and a statement keeps the backticks around its names',
    (hint, told) => {
      expect(runList([runOf({ result: 'failed', reason: 'no', hint })], times).text).toContain(`>${told}<`);
    },
  );

  it('one that still runs → says so, without a length', () => {
    expect(
      text(runList([runOf({ result: 'running', reason: '', finishedAt: null, bytes: null })], times)),
    ).toBe('today 10:10 Backup of shop running');
  });

  it('none → says so', () => {
    expect(text(runList([], times))).toBe('None yet.');
  });
});

describe('the repository', () => {
  it('checked and cleared → size, growth, last check, last retention', () => {
    expect(text(repositoryList(statusOf(), times))).toBe(
      's3:https://s3.eu-central-1.amazonaws.com/my-bucket/backups Size 975.8 MB up 20 %, 34 snapshots, measured 27 h ago ' +
        'Growth 231.0 MB added by the backups of the last 30 days Free space 41.0 GB full in 211 days ' +
        'Last check 27 h ago data never read in full Last retention 3 h ago',
    );
  });

  it('a check that failed → its reason before the last good one is forgotten', () => {
    const lastRun = runOf({
      job: 'check',
      result: 'failed',
      reason: 'the check found 3 errors',
      hint: 'Do not prune.',
    });
    const status = statusOf({ maintenance: [upkeepOf('check', { lastSuccess: hoursAgo(200), lastRun })] });
    const told = text(repositoryList(status, times));
    expect(told).toContain(
      'Last check failed 3 h ago last good one: 8 d 8 h ago the check found 3 errors Do not prune.',
    );
  });

  it('a retention that ended with warnings → the first of them is told', () => {
    const lastRun = runOf({
      ...{ job: 'retention', source: null, warnings: true },
      notes: ['nothing was pruned: one is missing', 'another'],
    });
    const status = statusOf({ maintenance: [upkeepOf('retention', { lastSuccess: hoursAgo(3), lastRun })] });
    const told = text(repositoryList(status, times));
    expect(told).toMatch(/Last retention 3 h ago with warnings nothing was pruned: one is missing$/);
  });

  it('a retention that comes no more → that it is overdue, also where there was none since the first backup', () => {
    const told = (more: object) =>
      text(
        repositoryList(
          statusOf({ maintenance: [upkeepOf('retention', { overdueAfterSeconds: 54_000, ...more })] }),
          times,
        ),
      );
    expect(told({ lastSuccess: hoursAgo(16) })).toContain('Last retention 16 h ago overdue after 15 h');
    expect(told({ awaitedSince: hoursAgo(16) })).toContain('Last retention never overdue after 15 h');
    expect(told({ lastSuccess: hoursAgo(14), awaitedSince: hoursAgo(99) })).not.toContain('overdue');
    expect(told({})).not.toContain('overdue');
  });

  it('never reached → says so', () => {
    expect(text(repositoryList(statusOf({ repository: null }), times))).toBe('Not reached yet.');
  });
});
