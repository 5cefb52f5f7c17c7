import { expect, onTestFinished, test } from 'vitest';
import { tenantDoubtOf } from '../../../agent/jobs/upkeep/tenant-doubt.ts';
import type { RunFacts, TenantFacts } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';

type Result = 'succeeded' | 'failed' | 'interrupted' | 'skipped';

interface Past {
  result: Result;
  /** Absent: a run of all, or of some that a person named. */
  group?: string;
  allTenants?: true;
  /** What it says of each tenant; absent: nothing. */
  tenants?: Record<string, TenantFacts['result']>;
}

const GROUPS = ['high', 'standard'];

/** What the ledger says after these runs, the oldest first. */
function doubtAfter(...past: Past[]): string | null {
  const ledger = openLedger(':memory:', { now: () => new Date('2026-11-01T03:00:00Z') });
  onTestFinished(() => ledger.close());
  for (const { result, tenants, ...facts } of past) {
    const run = { job: 'tenant-backup', source: 'clinic', trigger: 'schedule', facts } as const;
    const told: RunFacts = tenants === undefined ? facts : { ...facts, tenants: tenantFacts(tenants) };
    if (result === 'skipped') ledger.skip(run, { reason: 'so' });
    else ledger.finish(ledger.begin(run), { result, reason: 'so', facts: told });
  }
  return tenantDoubtOf(ledger, 'clinic', GROUPS);
}

function tenantFacts(tenants: Record<string, TenantFacts['result']>): TenantFacts[] {
  const rest = { why: null, snapshotId: null, dumpBytes: 0, addedBytes: 0, seconds: 0 };
  return Object.entries(tenants).map(([id, result]) => ({ ...rest, id, schema: `tenant_${id}`, result }));
}

const good: Past = { result: 'succeeded', tenants: { 1: 'succeeded', 42: 'succeeded' } };
const bad: Past = { result: 'failed', tenants: { 1: 'succeeded', 42: 'failed' } };
const named = (...ids: string[]): Past => ({
  result: 'succeeded',
  tenants: Object.fromEntries(ids.map((id) => [id, 'succeeded'])),
});
const high: Past = { ...named('7'), group: 'high' };
const many = (past: Past) => Array.from({ length: 300 }, () => past);

test('one failed when it was dumped last → in doubt, until a later run of all stored it', () => {
  expect(doubtAfter()).toBeNull();
  expect(doubtAfter(bad, good)).toBeNull();
  expect(doubtAfter(good, bad)).toBe('tenant 42 failed in its newest backup, of 2026-11-01T03:00:00Z');
  expect(doubtAfter(bad, named('1'))).toMatch(/^tenant 42 failed/);
  expect(doubtAfter(bad, { ...good, allTenants: true })).toBeNull();
});

test('one failed in the run of all and was dumped by name since → still in doubt: that dump has a month', () => {
  const all: Past = { ...bad, allTenants: true };
  expect(doubtAfter(all, named('42'))).toMatch(/^tenant 42 failed/);
  expect(doubtAfter({ ...bad, group: 'standard' }, named('42'))).toMatch(/^tenant 42 failed/);
  expect(doubtAfter(bad, named('42'))).toBeNull();
});

test('the newest run of all ended without a word of any → in doubt; one that was skipped says nothing', () => {
  expect(doubtAfter(good, { result: 'interrupted', allTenants: true })).toMatch(
    /^their newest backup, .* ended as interrupted$/,
  );
  expect(doubtAfter(good, { result: 'skipped', allTenants: true })).toBeNull();
});

test('a run of tenants by name ended without a word, of a mistyped one, say → no doubt; nor does a good one end that of all', () => {
  expect(doubtAfter(good, { result: 'failed' })).toBeNull();
  expect(doubtAfter({ result: 'interrupted', allTenants: true }, named('42'))).toMatch(
    /ended as interrupted$/,
  );
});

test.each<[string, Past]>([
  ['of a group', { ...bad, group: 'standard' }],
  ['without a group', bad],
])('a run %s failed for one, and another group ran hundreds of times since → still in doubt', (_, failed) => {
  expect(doubtAfter(failed, ...many(high))).toMatch(/^tenant 42 failed in its newest backup/);
});

test('the newest run of a group ended without a word, and another ran hundreds of times since → in doubt, by the group', () => {
  const failed: Past = { result: 'failed', group: 'standard' };
  const words = /^the newest backup of the group standard, .* ended as failed$/;
  expect(doubtAfter({ ...good, group: 'standard' }, failed, ...many(high))).toMatch(words);
  expect(doubtAfter(failed, ...many(high), { ...good, group: 'standard' })).toBeNull();
});

test('a group that the configuration has no more ended without a word → no doubt once others ran', () => {
  expect(doubtAfter({ result: 'failed', group: 'gone' }, high)).toBeNull();
});

test('one that failed is dropped → in doubt until all tenants are backed up without it', () => {
  const failed: Past = { ...bad, group: 'standard' };
  expect(doubtAfter(failed, { ...named('1'), group: 'standard' })).toMatch(/^tenant 42 failed/);
  expect(doubtAfter(failed, { ...named('1', '7'), allTenants: true }, high)).toBeNull();
  expect(doubtAfter(failed, { ...bad, allTenants: true }, high)).toMatch(/^tenant 42 failed/);
});
