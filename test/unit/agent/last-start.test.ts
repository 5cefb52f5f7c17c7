import { describe, expect, onTestFinished, test } from 'vitest';
import type { App } from '../../../agent/app.ts';
import type { JobName, Trigger } from '../../../agent/core/glossary.ts';
import { lastStart, lastStartOfGlobal, lastStartOfGroup, lastTurn } from '../../../agent/last-start.ts';
import type { RunFacts } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';

interface Past {
  day: number;
  result: 'succeeded' | 'failed' | 'interrupted' | 'skipped';
  trigger?: Trigger;
  facts?: RunFacts;
}

const NOW = '2026-11-30T09:00:00.000Z';
const LONG_AGO = new Date(0).toISOString();
/** Of November; the days behind the thirtieth are those of December. */
const on = (day: number) => new Date(Date.UTC(2026, 10, day, 3)).toISOString();

/** What the ledger says on the thirtieth after these runs of the clinic, the oldest first. */
function after<T>(job: JobName, past: Past[], ask: (app: App) => T): T {
  let now = NOW;
  const clock = { now: () => new Date(now) };
  const ledger = openLedger(':memory:', clock);
  onTestFinished(() => ledger.close());
  for (const { day, result, trigger = 'schedule', facts = {} } of past) {
    now = on(day);
    const run = { job, source: 'clinic', trigger, facts };
    if (result === 'skipped') ledger.skip(run, { reason: 'so' });
    else if (result === 'interrupted') {
      ledger.begin(run);
      ledger.interruptLeftovers('the agent died while it ran');
    } else ledger.finish(ledger.begin(run), { result, reason: 'so', facts });
  }
  now = NOW;
  return ask({ ledger, clock, sources: [{ name: 'clinic' }, { name: 'new' }] } as unknown as App);
}

const facts = { group: 'standard' };
const times = (count: number, past: Past) => Array.from({ length: count }, () => past);

const backup = (...past: Past[]) =>
  after('backup', past, (app) => lastStart(app, 'backup')?.toISOString() ?? null);
const global = (...past: Past[]) =>
  after('global-backup', past, (app) => lastStartOfGlobal(app, 'clinic')?.toISOString() ?? null);
const group = (...past: Past[]) =>
  after(
    'tenant-backup',
    past.map((one) => ({ facts, ...one })),
    (app) => lastStartOfGroup(app, 'clinic', 'standard')?.toISOString() ?? null,
  );

describe.each([
  ['a backup', backup],
  ['what belongs to no tenant', global],
  ['a group of tenants', group],
])('since when %s counts as done', (_, since) => {
  test('it never began, or was skipped → never', () => {
    expect(since()).toBeNull();
    expect(since({ day: 1, result: 'skipped' })).toBeNull();
  });

  test('it failed, however early → since then: a restart does not do it again', () => {
    expect(since({ day: 1, result: 'succeeded' }, { day: 2, result: 'failed' })).toBe(on(2));
  });

  test('its first run was killed → it is caught up; after three in a row it waits for its time', () => {
    const killed: Past = { day: 1, result: 'interrupted' };
    expect(since(killed)).toBe(LONG_AGO);
    expect(since(...times(2, killed))).toBe(LONG_AGO);
    expect(since(...times(3, killed))).toBe(NOW);
  });

  test('its clock was ahead by hours → since then, so that no fire has two runs; by days → since now', () => {
    expect(since({ day: 31, result: 'succeeded' })).toBe(on(31));
    expect(since({ day: 60, result: 'succeeded' })).toBe(NOW);
  });

  test('the newest was interrupted or skipped → since the one before', () => {
    expect(since({ day: 1, result: 'succeeded' }, { day: 2, result: 'interrupted' })).toBe(on(1));
    expect(since({ day: 1, result: 'failed' }, { day: 2, result: 'skipped' })).toBe(on(1));
  });
});

test('another group ran hundreds of times since → the rare one is known all the same, and counts by its own runs', () => {
  const high = { facts: { group: 'high' } };
  const often = times(400, { day: 8, result: 'succeeded', ...high });
  expect(group({ day: 1, result: 'succeeded' }, ...often)).toBe(on(1));
  expect(group({ day: 1, result: 'interrupted' }, ...often)).toBe(LONG_AGO);
  expect(
    group({ day: 1, result: 'succeeded' }, ...times(3, { day: 8, result: 'interrupted', ...high })),
  ).toBe(on(1));
});

describe('since when the tenants had their turn', () => {
  const turn = (...past: Past[]) =>
    after('tenant-verify', past, (app) => lastTurn(app, 'clinic')?.toISOString() ?? null);
  const byTurns = { byTurns: true };

  test('verified by name → no turn; all of them by a person → one', () => {
    expect(turn({ day: 1, result: 'succeeded', trigger: 'command' })).toBeNull();
    expect(turn({ day: 1, result: 'succeeded', trigger: 'command', facts: byTurns })).toBe(on(1));
  });

  test('nothing could be tried → it had its turn; it never began → not', () => {
    expect(turn({ day: 1, result: 'skipped', facts: byTurns })).toBe(on(1));
    expect(turn({ day: 1, result: 'skipped' })).toBeNull();
  });

  test('the first turn was killed → it is caught up', () => {
    expect(turn({ day: 1, result: 'interrupted' })).toBe(LONG_AGO);
  });
});
