import { expect, onTestFinished, test } from 'vitest';
import type { RunFacts, TenantFacts } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { tenantGrowth } from '../../../agent/reports/tenant-growth.ts';

const tenant = (id: string, dumpBytes: number, addedBytes: number, more: Partial<TenantFacts> = {}) => ({
  ...{ id, schema: `tenant_${id}`, why: null, snapshotId: 'a1', seconds: 1 },
  ...{ result: 'succeeded' as const, dumpBytes, addedBytes },
  ...more,
});

/** A ledger after these runs, one a day from the first of November on. */
function ledgerAfter(...runs: { source: string; tenants?: TenantFacts[]; failed?: true }[]) {
  let day = 0;
  const ledger = openLedger(':memory:', {
    now: () => new Date(Date.UTC(2026, 10, day, 3)),
  });
  onTestFinished(() => ledger.close());
  for (const { source, tenants, failed } of runs) {
    day += 1;
    const run = ledger.begin({ job: 'tenant-backup', source, trigger: 'schedule' });
    const facts: RunFacts = tenants === undefined ? {} : { tenants };
    ledger.finish(run, { result: failed === true ? 'failed' : 'succeeded', reason: 'so', facts });
  }
  return ledger;
}

test('some nights of two tenants → the newest dump of each, and what all of them added; what added most comes first', () => {
  const ledger = ledgerAfter(
    { source: 'clinic', tenants: [tenant('1', 1000, 900), tenant('42', 500, 400)] },
    { source: 'clinic', tenants: [tenant('1', 1100, 20), tenant('42', 510, 700)] },
    { source: 'clinic', tenants: [tenant('1', 1200, 0)] },
  );
  expect(tenantGrowth(ledger)).toEqual([
    {
      ...{ source: 'clinic', tenant: '42', lastRun: '2026-11-02T03:00:00Z' },
      ...{ dumpBytes: 510, addedBytes: 700, runs: 2, totalAddedBytes: 1100 },
    },
    {
      ...{ source: 'clinic', tenant: '1', lastRun: '2026-11-03T03:00:00Z' },
      ...{ dumpBytes: 1200, addedBytes: 0, runs: 3, totalAddedBytes: 920 },
    },
  ]);
});

test('one that failed or vanished, in a run that failed → it added nothing, and what the others added counts', () => {
  const ledger = ledgerAfter(
    { source: 'clinic', tenants: [tenant('1', 10, 9), tenant('2', 10, 7)] },
    {
      source: 'clinic',
      failed: true,
      tenants: [
        tenant('1', 0, 0, { result: 'failed', why: 'no right' }),
        tenant('2', 10, 1),
        tenant('3', 0, 0, { result: 'vanished' }),
      ],
    },
    { source: 'clinic', failed: true },
  );
  expect(
    tenantGrowth(ledger).map(({ tenant: id, runs, totalAddedBytes }) => [id, runs, totalAddedBytes]),
  ).toEqual([
    ['1', 1, 9],
    ['2', 2, 8],
  ]);
});

test('two sources with a tenant of one name → each by itself', () => {
  const ledger = ledgerAfter(
    { source: 'north', tenants: [tenant('1', 10, 3)] },
    { source: 'south', tenants: [tenant('1', 20, 5)] },
  );
  expect(tenantGrowth(ledger).map(({ source, totalAddedBytes }) => [source, totalAddedBytes])).toEqual([
    ['south', 5],
    ['north', 3],
  ]);
});
