import { expect, test } from 'vitest';
import type { Ledger, Run, RunEnd } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { heartbeatOf } from '../../../agent/reports/heartbeat.ts';
import { statusSchema } from '../../../sentinel/heartbeat.ts';
import { standingOf } from '../../../sentinel/standing.ts';

const UNKNOWN = { freeBytes: null, fullInDays: null, allDataReadAt: null };

const facts = (sources: { name: string; gates: boolean }[]) => ({
  host: 'test-host',
  agentVersion: '1.2.3',
  timeZone: 'UTC',
  sources: sources.map((source) => ({
    ...source,
    type: 'mysql' as const,
    proof: 'checksums',
    turns: null,
    objectives: { rpoSeconds: 3600, rtoSeconds: null },
  })),
  schedule: {
    backup: { next: new Date('2026-03-02T03:00:00Z'), everySeconds: 86_400, meansDay: () => true },
    verify: { next: new Date('2026-03-08T05:00:00Z'), everySeconds: 7 * 86_400, meansDay: () => false },
  },
  retention: true,
  checkInterval: 6,
  repository: { location: '/repository', id: null, ...UNKNOWN },
});

function ledgerAt(start: string) {
  let now = new Date(start);
  const ledger = openLedger(':memory:', { now: () => now });
  const end = (job: Run['job'], source: string | null, at: string, more: Partial<RunEnd> = {}) => {
    now = new Date(at);
    ledger.finish(ledger.begin({ job, source, trigger: 'schedule' }), {
      result: 'succeeded',
      reason: 'so it was',
      ...more,
    });
  };
  const backUp = (source: string, at: string, result: 'succeeded' | 'failed' = 'succeeded', facts = {}) =>
    end('backup', source, at, { result, facts: { engine: 'mariadb', ...facts } });
  return { ledger, backUp, end };
}

const SHOP_GATES = { name: 'shop', gates: true };
const NOW = new Date('2026-03-01T12:00:00Z');

test('two sources that gate → the older last success of the two', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z');
  backUp('blog', '2026-03-01T09:00:00Z');
  const both = facts([
    { name: 'shop', gates: true },
    { name: 'blog', gates: true },
  ]);
  expect(heartbeatOf(ledger, both, NOW).lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
});

test.each([
  ['is still to come → that, which the gate takes for none', '2026-03-01T02:00:00Z', '2026-03-01T03:00:00Z'],
  ['has come → as old as the run before it', '2026-03-01T12:00:00Z', '2026-02-28T03:00:00Z'],
])('the clock was hours ahead during the last good backup, and its time %s', (_, now, time) => {
  const { ledger, backUp } = ledgerAt('2026-02-28T00:00:00Z');
  backUp('shop', '2026-02-28T03:00:00Z');
  backUp('shop', '2026-03-01T02:55:00Z', 'failed');
  backUp('shop', '2026-03-01T03:00:00Z');
  backUp('shop', '2026-02-28T15:00:00Z', 'failed');
  const { lastOk, withdrawn } = heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), new Date(now));
  expect({ lastOk, withdrawn }).toEqual({ lastOk: new Date(time), withdrawn: false });
});

test('the same of a first backup → the heartbeat is withdrawn; of a clock that was put back by moments → its own time', () => {
  const shop = facts([{ name: 'shop', gates: true }]);
  const first = ledgerAt('2026-03-01T03:00:00Z');
  first.backUp('shop', '2026-03-01T03:00:00Z');
  first.backUp('shop', '2026-02-28T15:00:00Z', 'failed');
  expect(heartbeatOf(first.ledger, shop, NOW)).toMatchObject({ lastOk: null, withdrawn: true });
  const little = ledgerAt('2026-03-01T03:00:00Z');
  little.backUp('shop', '2026-03-01T03:00:00Z');
  little.backUp('shop', '2026-03-01T02:59:50Z', 'failed');
  expect(heartbeatOf(little.ledger, shop, NOW).lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
});

test('a source that never succeeded beside one that did → no time: the heartbeat does not move', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z');
  backUp('blog', '2026-03-01T03:01:00Z', 'failed');
  const both = facts([
    { name: 'shop', gates: true },
    { name: 'blog', gates: true },
  ]);
  expect(heartbeatOf(ledger, both, NOW).lastOk).toBeNull();
  const oneGates = facts([
    { name: 'shop', gates: true },
    { name: 'blog', gates: false },
  ]);
  expect(heartbeatOf(ledger, oneGates, NOW).lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
});

test('good backups lie in another repository alone → no success in this one, and the time that was told is withdrawn', () => {
  const { ledger, backUp, end } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z', 'succeeded', { repositoryId: 'old' });
  end('verify', 'shop', '2026-03-01T04:00:00Z', {
    facts: {
      repositoryId: 'old',
      verification: { verdict: 'proved', why: null, restoreSeconds: 3, steps: [] },
    },
  });
  const told = (id: string | null) => {
    const about = facts([{ name: 'shop', gates: true }]);
    return heartbeatOf(ledger, { ...about, repository: { ...about.repository, id } }, NOW);
  };
  for (const known of ['old', null]) {
    const { lastOk, withdrawn, status } = told(known);
    expect({ lastOk, withdrawn }).toEqual({ lastOk: new Date('2026-03-01T03:00:00Z'), withdrawn: false });
    expect(status.sources[0]?.verification?.lastProved).toBe('2026-03-01T04:00:00Z');
  }
  const { lastOk, withdrawn, status } = told('new');
  expect({ lastOk, withdrawn }).toEqual({ lastOk: null, withdrawn: true });
  expect(status.sources[0]).toMatchObject({
    lastSuccess: null,
    verification: { lastSuccess: null, lastProved: null, awaitedSince: null, restoreSeconds: null },
  });

  backUp('shop', '2026-03-01T05:00:00Z', 'succeeded', { repositoryId: 'new' });
  expect(told('new')).toMatchObject({ lastOk: new Date('2026-03-01T05:00:00Z'), withdrawn: false });
  expect(told('old').lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
});

test('a source that was never backed up → nothing is withdrawn', () => {
  const { ledger } = ledgerAt('2026-03-01T00:00:00Z');
  expect(heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW)).toMatchObject({
    lastOk: null,
    withdrawn: false,
  });
});

test('a failure after a success → the time of the success stays, and the failure is told beside it', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z');
  backUp('shop', '2026-03-01T09:00:00Z', 'failed');
  const { lastOk, status } = heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW);
  expect(lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
  expect(status.sources[0]).toMatchObject({
    lastSuccess: '2026-03-01T03:00:00Z',
    lastRun: { result: 'failed' },
  });
});

test('a run that was skipped after a success → the time of the success stays, and the skipped run is told beside it', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z');
  ledger.skip({ job: 'backup', source: 'shop', trigger: 'schedule' }, { reason: 'waited 30 min' });
  const { lastOk, status } = heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW);
  expect(lastOk).toEqual(new Date('2026-03-01T03:00:00Z'));
  expect(status.sources[0]?.lastRun).toMatchObject({ result: 'skipped', reason: 'waited 30 min' });
  expect(statusSchema.safeParse(status).success).toBe(true);
});

test('a clock that was set back between two successes → the newest run counts, not the latest time', () => {
  const { ledger, backUp } = ledgerAt('2031-01-01T00:00:00Z');
  backUp('shop', '2031-01-01T03:00:00Z');
  backUp('shop', '2026-03-01T09:00:00Z');
  expect(heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW).lastOk).toEqual(
    new Date('2026-03-01T09:00:00Z'),
  );
});

test('only retention and verification succeeded → no backup, no time', () => {
  const { ledger } = ledgerAt('2026-03-01T00:00:00Z');
  ledger.finish(ledger.begin({ job: 'verify', source: 'shop', trigger: 'schedule' }), {
    result: 'succeeded',
    reason: 'x',
  });
  expect(heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW).lastOk).toBeNull();
});

test('a retention that failed and was then switched off → its failure is told no more', () => {
  const { ledger, end } = ledgerAt('2026-02-27T03:00:00Z');
  end('retention', null, '2026-02-27T03:01:00Z');
  end('retention', null, '2026-02-28T03:01:00Z', { result: 'failed' });
  const told = (retention: boolean) =>
    heartbeatOf(ledger, { ...facts([]), retention }, NOW).status.maintenance[0];
  expect(told(true)).toMatchObject({ lastSuccess: '2026-02-27T03:01:00Z', lastRun: { result: 'failed' } });
  expect(told(false)).toMatchObject({ lastSuccess: '2026-02-27T03:01:00Z', lastRun: null });
});

test('a retention and a check → overdue by the backups’ schedule, from the first backup on, and never where they are switched off', () => {
  const { ledger, backUp, end } = ledgerAt('2026-02-20T03:00:00Z');
  backUp('shop', '2026-02-20T03:00:00Z');
  const told = (more = {}) =>
    heartbeatOf(ledger, { ...facts([SHOP_GATES]), ...more }, NOW).status.maintenance;
  const awaitedSince = '2026-02-20T03:00:00Z';
  expect(told()).toMatchObject([
    { job: 'retention', lastSuccess: null, awaitedSince, overdueAfterSeconds: 30 * 3600 },
    { job: 'check', lastSuccess: null, awaitedSince, overdueAfterSeconds: 6 * 30 * 3600 },
  ]);
  end('retention', null, '2026-02-21T03:00:00Z');
  expect(told()).toMatchObject([{ lastSuccess: '2026-02-21T03:00:00Z' }, {}]);
  expect(told({ retention: false, checkInterval: 0 })).toMatchObject([
    { overdueAfterSeconds: null },
    { overdueAfterSeconds: null },
  ]);
});

test('a retention failed, and a dry run came behind it → the failure still stands, and the dry run is no success', () => {
  const { ledger, end } = ledgerAt('2026-02-27T03:00:00Z');
  end('retention', null, '2026-02-27T03:01:00Z');
  end('retention', null, '2026-02-28T03:01:00Z', { result: 'failed' });
  end('retention', null, '2026-02-28T09:00:00Z', { facts: { dryRun: true } });
  expect(heartbeatOf(ledger, facts([]), NOW).status.maintenance[0]).toMatchObject({
    lastSuccess: '2026-02-27T03:01:00Z',
    lastRun: { result: 'failed' },
  });
});

test('no source at all, or none that gates → no time', () => {
  const { ledger } = ledgerAt('2026-03-01T00:00:00Z');
  expect(heartbeatOf(ledger, facts([]), NOW).lastOk).toBeNull();
});

test('whatever the ledger holds → a status that the sentinel’s schema takes', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  backUp('shop', '2026-03-01T03:00:00Z');
  ledger.begin({ job: 'check', source: null, trigger: 'command' });
  const { status } = heartbeatOf(
    ledger,
    facts([
      { name: 'shop', gates: true },
      { name: 'new', gates: false },
    ]),
    NOW,
  );
  expect(statusSchema.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
});

const shopOf = (ledger: Ledger) => heartbeatOf(ledger, facts([{ name: 'shop', gates: true }]), NOW).status;

test('a schedule → the gap that it leaves, and the age from which a source is overdue: a quarter more', () => {
  const { ledger } = ledgerAt('2026-03-01T00:00:00Z');
  const [shop] = shopOf(ledger).sources;
  expect(shop).toMatchObject({
    rhythm: { next: '2026-03-02T03:00:00Z', everySeconds: 86_400, overdueAfterSeconds: 108_000 },
    verification: {
      ...{ lastSuccess: null, awaitedSince: null, lastRun: null },
      rhythm: { next: '2026-03-08T05:00:00Z', overdueAfterSeconds: 756_000 },
    },
  });
});

const verified = (verdict: 'proved' | 'restored') => ({
  facts: { verification: { verdict, why: null, restoreSeconds: 1, steps: [] } },
});

test('every verification only restores, where proofs are wanted → none is told as the last good one, and since when one is awaited', () => {
  const { ledger, backUp, end } = ledgerAt('2026-02-01T00:00:00Z');
  backUp('shop', '2026-02-01T02:00:00Z', 'failed');
  backUp('shop', '2026-02-01T03:00:00Z');
  end('verify', 'shop', '2026-02-08T05:00:00Z', verified('restored'));
  backUp('shop', '2026-03-01T03:00:00Z');
  end('verify', 'shop', '2026-03-01T05:00:00Z', verified('restored'));
  const [shop] = shopOf(ledger).sources;
  expect(shop?.verification).toMatchObject({
    ...{ lastSuccess: null, awaitedSince: '2026-02-01T03:00:00Z', lastProved: null, verdict: 'restored' },
  });
  expect(standingOf(shop!, 93_600, NOW).state).toBe('warned');
});

test('one was proved, and those since only restored → the age is that of the proved one; where no proof is wanted, of the newest', () => {
  const { ledger, backUp, end } = ledgerAt('2026-02-01T00:00:00Z');
  backUp('shop', '2026-02-01T03:00:00Z');
  end('verify', 'shop', '2026-02-08T05:00:00Z', verified('proved'));
  end('verify', 'shop', '2026-02-22T05:00:00Z', verified('restored'));
  backUp('shop', '2026-03-01T03:00:00Z');
  const told = (proof: string) => {
    const known = facts([{ name: 'shop', gates: true }]);
    const sources = known.sources.map((source) => ({ ...source, proof }));
    const [shop] = heartbeatOf(ledger, { ...known, sources }, NOW).status.sources;
    return [shop?.verification?.lastSuccess, standingOf(shop!, 93_600, NOW).state];
  };
  expect(told('checksums')).toEqual(['2026-02-08T05:00:00Z', 'warned']);
  expect(told('counts')).toEqual(['2026-02-22T05:00:00Z', 'good']);
  expect(told('none')).toEqual(['2026-02-22T05:00:00Z', 'good']);
});

test('thirty-five good backups → the sizes of the newest thirty, oldest first', () => {
  const { ledger, backUp } = ledgerAt('2026-03-01T00:00:00Z');
  for (let i = 0; i < 35; i += 1)
    backUp('shop', '2026-02-20T03:00:00Z', i % 7 === 6 ? 'failed' : 'succeeded', { dumpBytes: i });
  backUp('blog', '2026-02-20T03:00:00Z', 'succeeded', { dumpBytes: 1_000_000 });
  const sizes = shopOf(ledger).sources[0]?.sizes ?? [];
  expect(sizes).toHaveLength(30);
  expect([sizes[0], sizes.at(-1)]).toEqual([0, 33]);
});

test('checks that measured the repository → its sizes, oldest first, none of another repository', () => {
  const { ledger, backUp, end } = ledgerAt('2026-03-01T00:00:00Z');
  const check = (at: string, repositoryId: string, repositoryBytes: number) =>
    end('check', null, at, { facts: { repositoryId, repositoryBytes, snapshotsKept: 7 } });
  check('2026-02-01T03:00:00Z', 'a', 100);
  check('2026-02-02T03:00:00Z', 'b', 1);
  check('2026-02-04T03:00:00Z', 'a', 300);
  end('check', null, '2026-02-05T03:00:00Z', { facts: { repositoryId: 'a' } });
  backUp('shop', '2026-01-01T03:00:00Z', 'succeeded', { addedBytes: 5000 });
  backUp('shop', '2026-02-20T03:00:00Z', 'succeeded', { addedBytes: 50 });
  backUp('shop', '2026-02-21T03:00:00Z', 'succeeded', { addedBytes: 5 });
  const known = {
    ...facts([{ name: 'shop', gates: true }]),
    repository: { location: '/r', id: 'a', ...UNKNOWN },
  };
  expect(heartbeatOf(ledger, known, NOW).status.repository).toMatchObject({
    sizes: [
      { at: '2026-02-01T03:00:00Z', bytes: 100 },
      { at: '2026-02-04T03:00:00Z', bytes: 300 },
    ],
    addedBytes: 55,
  });
});

test('many runs with much to say → twenty are told, newest first, each of them cut', () => {
  const { ledger, end } = ledgerAt('2026-03-01T00:00:00Z');
  const long = 'x'.repeat(50_000);
  for (let i = 0; i < 25; i += 1)
    end('backup', 'shop', `2026-02-20T03:00:${String(i).padStart(2, '0')}Z`, {
      result: 'failed',
      reason: long,
      hint: long,
      warnings: [long, long, long, long],
    });
  const status = shopOf(ledger);
  expect(status.runs).toHaveLength(20);
  expect(status.runs[0]).toMatchObject({ source: 'shop', startedAt: '2026-02-20T03:00:24Z' });
  expect(JSON.stringify(status).length).toBeLessThan(60_000);
});
