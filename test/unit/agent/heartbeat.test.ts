import { expect, test } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { heartbeatOf } from '../../../agent/reports/heartbeat.ts';
import { statusSchema } from '../../../sentinel/heartbeat.ts';

const facts = (sources: { name: string; gates: boolean }[]) => ({
  host: 'test-host',
  agentVersion: '1.2.3',
  sources: sources.map((source) => ({ ...source, type: 'mysql' as const })),
  nextBackup: new Date('2026-03-02T03:00:00Z'),
  repository: { location: '/repository', id: null },
});

function ledgerAt(start: string) {
  let now = new Date(start);
  const ledger = openLedger(':memory:', { now: () => now });
  const backUp = (source: string, at: string, result: 'succeeded' | 'failed' = 'succeeded') => {
    now = new Date(at);
    ledger.finish(ledger.begin({ job: 'backup', source, trigger: 'schedule' }), {
      result,
      reason: 'so it was',
      facts: { engine: 'mariadb' },
    });
  };
  return { ledger, backUp };
}

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
