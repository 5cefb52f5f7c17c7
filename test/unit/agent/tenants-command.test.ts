import { expect, onTestFinished, test } from 'vitest';
import type { App } from '../../../agent/app.ts';
import type { Context } from '../../../agent/cli/context.ts';
import { runCommandLine } from '../../../agent/cli/program.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';

const TENANTS = [
  { id: '1', schema: 'tenant_1', active: true, group: 'high', bytes: 1_000_000 },
  { id: '2', schema: 'tenant_2', active: false, group: 'standard', bytes: 10 },
  { id: '3', schema: 'tenant_3', active: true, group: null, bytes: 10 },
  { id: '4', schema: 'tenant_4', active: true, group: 'high', bytes: null },
];

/** What `holdfast tenants` says at nine in the morning where everything is backed up at three. */
async function listed(asJson: boolean) {
  const clock = { now: () => new Date('2026-11-21T09:00:00Z') };
  const ledger = openLedger(':memory:', clock);
  onTestFinished(() => ledger.close());
  const app = {
    ...{ ledger, clock, role: null },
    sources: [{ name: 'clinic' }],
    repositoryId: () => null,
    config: {
      sources: [
        {
          ...{ name: 'clinic', type: 'postgres', proof: 'checksums' },
          tenants: {
            groups: [
              { name: 'high', schedule: '0 */6 * * *' },
              { name: 'standard', schedule: null },
            ],
            verify: { everySeconds: null, budgetSeconds: 60, schedule: '30 4 * * *' },
          },
        },
      ],
      timeZone: 'UTC',
      schedule: { backup: '0 3 * * *' },
    },
    tenantsOf: () => ({ find: async () => ({ tenants: TENANTS, findings: [] }) }),
  } as unknown as App;
  const answers: unknown[] = [];
  const tables: { head: string[]; rows: string[][] }[] = [];
  const silent = () => undefined;
  const context = {
    print: {
      ...{ line: silent, note: silent, error: silent },
      json: (value: unknown) => void answers.push(value),
      table: (head: string[], rows: string[][]) => void tables.push({ head, rows }),
    },
    signal: new AbortController().signal,
    app: async () => app,
    exitCode: 0,
  } as unknown as Context;
  await runCommandLine(['node', 'holdfast', 'tenants', ...(asJson ? ['--json'] : [])], context);
  return { answer: answers[0], table: tables[0] };
}

test('groups with a schedule and without, a tenant in none, one without a schema → each with its group, and when it is backed up next', async () => {
  const { table } = await listed(false);
  const columns = ['TENANT', 'GROUP', 'NEXT', 'SIZE'].map((name) => table?.head.indexOf(name) ?? -1);
  expect(table?.rows.map((row) => columns.map((column) => row[column]))).toEqual([
    // By its group's schedule, which comes before that of everything.
    ['1', 'high', '2026-11-21T12:00:00Z', '1.00 MB'],
    ['2', 'standard', '2026-11-22T03:00:00Z', '10 B, not active'],
    ['3', '-', '2026-11-22T03:00:00Z', '10 B'],
    ['4', 'high', '-', 'no schema'],
  ]);
});

test('the same for programs → null for no group and for none that is next, and when the next turn of verifications comes', async () => {
  const { answer } = await listed(true);
  expect(answer).toMatchObject({
    sources: [
      {
        nextTurn: '2026-11-22T04:30:00Z',
        tenants: [
          { tenant: '1', group: 'high', next: '2026-11-21T12:00:00Z' },
          { tenant: '2', group: 'standard', next: '2026-11-22T03:00:00Z', active: false },
          { tenant: '3', group: null, next: '2026-11-22T03:00:00Z' },
          { tenant: '4', group: 'high', next: null, bytes: null },
        ],
      },
    ],
  });
});
