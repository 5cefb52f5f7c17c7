import { expect, test } from 'vitest';
import { actingAs } from '../../../agent/config/role.ts';
import type { Config } from '../../../agent/config/config.ts';
import { mayTouch } from '../../../agent/core/tenant-access.ts';
import type { RunFacts, TenantVerification } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { tenantProofs } from '../../../agent/reports/tenant-proofs.ts';
import { tenantStatus } from '../../../agent/reports/tenant-status.ts';
import { limitedTenants } from '../../../agent/sources/limited-tenants.ts';
import type { Tenants } from '../../../agent/sources/tenants.ts';
import { standingOf } from '../../../sentinel/standing.ts';
import { sourceOf } from '../../helpers/page-states.ts';

const DAY = 86_400;
const NOW = new Date('2026-11-29T12:00:00Z');
const clinic = {
  name: 'clinic',
  proof: 'checksums',
  turns: { everySeconds: 30 * DAY, next: new Date('2026-11-30T04:00:00Z') },
};

function history() {
  let now = NOW;
  const ledger = openLedger(':memory:', { now: () => now });
  const run = (
    daysAgo: number,
    facts: RunFacts,
    {
      job = 'tenant-verify',
      result = 'succeeded',
    }: { job?: 'tenant-verify' | 'verify'; result?: 'succeeded' | 'failed' } = {},
  ) => {
    now = new Date(NOW.getTime() - daysAgo * DAY * 1000);
    const id = ledger.begin({ job, source: 'clinic', trigger: 'schedule' });
    ledger.finish(id, { result, reason: 'so it was', facts });
  };
  return {
    ledger,
    run,
    status: (at = NOW, source = clinic) => tenantStatus(ledger, source, { now: at, inRepository: null }),
  };
}

const one = (id: string, verdict: TenantVerification['verdict'], why: string | null = null) => ({
  ...{ id, schema: `tenant_${id}`, verdict, why },
  rows: 1,
  seconds: 1,
});
const left = (...ids: string[]) => [
  { why: 'not reached', tenants: ids.map((id) => ({ id, schema: `tenant_${id}` })) },
];

test('no turn was ever taken → overdue; then the oldest proof says when, by the clock alone', () => {
  const { run, status } = history();
  expect(status()).toMatchObject({ total: 0, overdueAt: '2026-11-29T12:00:00Z' });
  run(20, { byTurns: true, verifiedTenants: [one('1', 'proved')], tenantsLeft: left('2') });
  run(10, { byTurns: true, verifiedTenants: [one('2', 'proved')], tenantsLeft: left('1') });
  expect(status()).toMatchObject({
    total: 2,
    oldest: { tenant: '1', lastProved: '2026-11-09T12:00:00Z' },
    overdueAt: '2026-12-09T12:00:00Z',
    overdue: { total: 0 },
  });
  const later = new Date('2026-12-10T00:00:00Z');
  expect(status(later)).toMatchObject({ overdue: { total: 1, tenants: ['1'] } });
  const told = sourceOf('clinic', { tenants: status(), lastSuccess: later.toISOString() });
  expect(standingOf(told, 1e9, NOW).state).not.toBe('overdue');
  expect(standingOf({ ...told, lastSuccess: later.toISOString() }, 1e9, later).state).toBe('overdue');
});

test('never proved → counts from when it was known; one that was restored and not proven does not hold', () => {
  const { run, status } = history();
  run(40, { byTurns: true, verifiedTenants: [one('1', 'restored', 'no proof')], tenantsLeft: left('2') });
  run(1, { byTurns: true, verifiedTenants: [one('1', 'restored', 'no proof')], tenantsLeft: left('2', '3') });
  expect(status()).toMatchObject({ total: 3, overdue: { total: 2, tenants: ['1', '2'] } });
  expect(status(NOW, { ...clinic, proof: 'none' })).toMatchObject({ overdue: { total: 1, tenants: ['2'] } });
});

test('one failed → it stays so whoever else is verified, until it is proved, with the whole database too, or gone', () => {
  const { run, status, ledger } = history();
  run(
    5,
    {
      byTurns: true,
      verifiedTenants: [one('1', 'failed', 'rows are missing'), one('2', 'proved')],
      tenantsLeft: [],
    },
    { result: 'failed' },
  );
  run(4, { verifiedTenants: [one('2', 'proved'), one('1', 'not run', 'no room')], tenantsLeft: [] });
  const failing = status();
  expect(failing?.failed).toEqual({ total: 1, tenants: [{ tenant: '1', why: 'rows are missing' }] });
  expect(failing?.lastRun?.result).toBe('succeeded');
  expect(standingOf(sourceOf('clinic', { tenants: failing }), 1e9, NOW).state).toBe('unverified');
  const whole = { verdict: 'proved' as const, why: null, restoreSeconds: 1, steps: [] };
  run(
    3,
    { schemas: ['tenant_1', 'tenant_2', 'other'], verification: whole, snapshotId: 'a1' },
    { job: 'verify' },
  );
  expect(status()?.failed.total).toBe(0);
  const proofs = tenantProofs(ledger, 'clinic', { everySeconds: null, now: NOW, inRepository: null });
  expect([...proofs.provedOutOf('a1')]).toEqual(['tenant_1', 'tenant_2', 'other']);
  run(
    2,
    { byTurns: true, verifiedTenants: [one('1', 'failed', 'again')], tenantsLeft: left('2') },
    { result: 'failed' },
  );
  run(1, { byTurns: true, verifiedTenants: [one('2', 'proved')], tenantsLeft: [] });
  expect(status()?.failed.total).toBe(0);
});

test('a run of a time to come, one of named tenants, none asked for → nothing is proved by the first, nobody is gone for the second', () => {
  const { run, status } = history();
  expect(status(NOW, { ...clinic, turns: null as never })).toBeNull();
  run(10, { byTurns: true, verifiedTenants: [one('1', 'proved')], tenantsLeft: left('2') });
  run(5, { verifiedTenants: [one('1', 'proved')], tenantsLeft: [] });
  run(-2, { byTurns: true, verifiedTenants: [one('2', 'proved')], tenantsLeft: [] });
  expect(status()).toMatchObject({ total: 2, oldest: { tenant: '2', lastProved: null } });
});

const support = { name: 'support', sources: ['clinic'], tenants: ['tenant_4*', 'vip'] };

test.each([
  ['42', 'tenant_42', 'clinic', true],
  ['vip', 'other', 'clinic', true],
  ['7', 'tenant_7', 'clinic', false],
  ['42', 'tenant_42', 'lab', false],
])('tenant %s (%s) of %s → may be touched: %s', (id, schema, source, may) => {
  expect(mayTouch(support, source, { id, schema })).toBe(may);
  expect(mayTouch(null, source, { id, schema })).toBe(true);
});

test('a role looks for tenants → others are neither listed nor told from such as do not exist', async () => {
  const { signal } = new AbortController();
  const all = ['42', '43', '7'].map((id) => ({
    id,
    schema: `tenant_${id}`,
    active: true,
    group: null,
    bytes: id === '43' ? null : 1,
  }));
  const tenants = {
    find: () => Promise.resolve({ tenants: all, findings: ['tenant 7 is odd'] }),
    lookUp: (id: string) => Promise.resolve(all.find((tenant) => tenant.id === id)!),
  } as unknown as Tenants;
  const seen = limitedTenants(tenants, 'clinic', support);
  const found = await seen.find(signal);
  expect(found.tenants.map(({ id }) => id)).toEqual(['42', '43']);
  expect(found.findings).toEqual(['tenant 43 has no schema: there is no "tenant_43"']);
  expect((await seen.lookUp('42', signal)).schema).toBe('tenant_42');
  await expect(seen.lookUp('7', signal)).rejects.toThrow('support may touch no tenant "7" of clinic');
  expect((await limitedTenants(tenants, 'lab', support).find(signal)).findings).toEqual([
    'support may touch no tenant of lab that there is',
  ]);
});

test('a role that there is not, another one than the own, a command that is held to none → refused', () => {
  const config = { role: null, access: [support, { ...support, name: 'night' }] } as unknown as Config;
  expect(actingAs(config, undefined)).toBe(config);
  expect(actingAs(config, 'support').role).toBe('support');
  expect(() => actingAs(config, 'suport')).toThrow('there is no role "suport"');
  const limited = { ...config, role: 'support' };
  expect(actingAs(limited, null).role).toBe('support');
  expect(() => actingAs(limited, 'night')).toThrow('you are support, and cannot act as night');
  expect(() => actingAs(limited, undefined)).toThrow('the role support may not do this');
});
