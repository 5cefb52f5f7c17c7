import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { App } from '../../../agent/app.ts';
import type { Context } from '../../../agent/cli/context.ts';
import { createPrint } from '../../../agent/cli/print.ts';
import { runCommandLine } from '../../../agent/cli/program.ts';
import type { RunEnd } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** A backup of a source, or the retention where none is named; or another job. */
type Past = [
  at: string,
  source: string | null,
  end: RunEnd | null,
  job?: 'verify' | 'global-backup' | 'tenant-backup',
];

interface Configured {
  /** Sources for which the gate does not wait. */
  silent?: string[];
  backup?: string;
  retention?: boolean;
  /** Groups of the shop's tenants that have a schedule. */
  groups?: string[];
  /** When what belongs to none of them is backed up by itself. */
  globalSchedule?: string | null;
}

const GOOD: RunEnd = { result: 'succeeded', reason: 'stored 1 MB' };

/** What `holdfast status` prints at nine in the morning, and its exit code. */
async function statusAfter(
  past: Past[],
  options: string[] = [],
  {
    silent = [],
    backup = '0 3,15 * * *',
    retention = true,
    groups = [],
    globalSchedule = null,
  }: Configured = {},
) {
  let now = '2026-11-02T09:00:00Z';
  const clock = { now: () => new Date(now) };
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), clock);
  for (const [at, source, end, other] of past) {
    now = at;
    const job = other ?? (source === null ? 'retention' : 'backup');
    const id = ledger.begin({ job, source, trigger: 'schedule', facts: end?.facts ?? {} });
    if (end !== null) ledger.finish(id, end);
  }
  now = '2026-11-02T09:00:00Z';
  const app = {
    ledger,
    clock,
    config: {
      sources: ['shop', 'blog'].map((name) => ({
        name,
        gates: !silent.includes(name),
        proof: 'checksums',
        objectives: { rpoSeconds: null, rtoSeconds: null },
        type: name === 'shop' ? 'postgres' : 'mysql',
        tenants: {
          globalSchedule,
          groups: groups.map((group) => ({ name: group, schedule: '0 4 * * *' })),
          verify: null,
        },
      })),
      staleAfterSeconds: 26 * 3600,
      checkInterval: 6,
      retention,
      timeZone: 'UTC',
      schedule: { backup, verify: '0 5 * * 0' },
    },
    space: () =>
      Promise.resolve({
        freeBytes: 41e9,
        fullInDays: 211,
        stateFreeBytes: 1e9,
        warnings: ['little is left'],
      }),
    repositoryId: () => null,
    dataCheck: () => ({ next: 4, of: 10, startedAt: null, completedAt: null }),
    passwordReminder: () => null,
  } as unknown as App;
  let text = '';
  const out = { write: (chunk: string) => (text += chunk) } as unknown as NodeJS.WriteStream;
  const context = {
    print: createPrint(out, out),
    signal: new AbortController().signal,
    app: () => app,
    exitCode: 0,
  } as unknown as Context;
  const code = await runCommandLine(['node', 'holdfast', 'status', ...options], context);
  ledger.close();
  return { code, text };
}

test('nothing was ever backed up → no backup yet, when the next comes, and stale for who checks', async () => {
  const { code, text } = await statusAfter([], ['--check']);
  expect(text).toMatch(/^shop +no backup yet +never +- +- +-$/m);
  expect(text).toMatch(/^backup +2026-11-02T15:00:00Z +never +-$/m);
  expect(text).toMatch(/^verify +2026-11-08T05:00:00Z +never +-$/m);
  expect(text).toMatch(/^check +after 6 backups +never +-$/m);
  expect(text).toContain('\nrepository: 41.0 GB free, used up in 211 days at its growth of late\n');
  expect(text).toContain('\nall data never read yet, part 4 of 10 is next\n');
  expect(text).toContain('\nwarning: little is left\n');
  expect(text).not.toContain('STALE');
  expect(code).toBe(4);
});

test('a source for which the gate does not wait is old → no alarm', async () => {
  const past: Past[] = [
    ['2026-10-01T03:00:00Z', 'blog', GOOD],
    ['2026-11-02T03:00:00Z', 'shop', GOOD],
  ];
  const { code, text } = await statusAfter(past, ['--check'], { silent: ['blog'] });
  expect(text).toMatch(/^blog +old, no gate +2026-10-01T03:00:00Z +32 days +succeeded +-$/m);
  expect(text).toMatch(/^shop +fresh +2026-11-02T03:00:00Z +6 h 0 min +succeeded +-$/m);
  expect(code).toBe(0);
});

test('no source gates → who checks is told of every one', async () => {
  const good: Past[] = ['shop', 'blog'].map((source) => ['2026-11-02T03:00:00Z', source, GOOD]);
  const silent = ['shop', 'blog'];
  expect((await statusAfter(good, ['--check'], { silent })).code).toBe(0);
  expect((await statusAfter(good.slice(1), ['--check'], { silent })).code).toBe(4);
});

test('a source is stale, its last run failed, another runs → each said, with the hint, within 80 columns', async () => {
  const failed: RunEnd = { result: 'failed', reason: 'the server is gone', hint: 'Start it.' };
  const { text } = await statusAfter([
    ['2026-10-31T03:00:00Z', 'shop', GOOD],
    ['2026-11-02T03:00:00Z', 'shop', failed],
    ['2026-11-02T03:10:00Z', null, { result: 'succeeded', reason: 'removed 0' }],
    ['2026-11-02T08:59:00Z', 'blog', null],
  ]);
  expect(text).toMatch(/^shop +STALE .* failed +-$/m);
  expect(text).toContain('\nbackup of shop failed: the server is gone\nhint: Start it.\n');
  expect(text).toContain('\nrunning: backup of blog, since 2026-11-02T08:59:00Z\n');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('a backup is missing that the schedule lets expect → overdue, before it is stale', async () => {
  // Every twelve hours, and a quarter: after fifteen.
  const { text, code } = await statusAfter(
    [
      ['2026-11-01T17:59:00Z', 'shop', GOOD],
      ['2026-11-01T18:01:00Z', 'blog', GOOD],
    ],
    ['--check'],
  );
  expect(text).toMatch(/^shop +overdue +2026-11-01T17:59:00Z /m);
  expect(text).toMatch(/^blog +fresh /m);
  expect(code).toBe(0);
});

test('once a day, stale after 26 hours → overdue after 25, half-way between the two', async () => {
  const { text } = await statusAfter(
    [
      ['2026-11-01T07:59:00Z', 'shop', GOOD],
      ['2026-11-01T08:01:00Z', 'blog', GOOD],
    ],
    [],
    { backup: '0 8 * * *' },
  );
  expect(text).toMatch(/^shop +overdue +2026-11-01T07:59:00Z /m);
  expect(text).toMatch(/^blog +fresh /m);
});

test('the last retention failed → told with its hint; switched off since → neither that nor a next one', async () => {
  const past: Past[] = [
    ['2026-11-02T03:00:00Z', 'shop', GOOD],
    ['2026-11-02T03:01:00Z', null, { result: 'failed', reason: 'it may not delete', hint: 'Let it.' }],
  ];
  const { text } = await statusAfter(past);
  expect(text).toMatch(/^retention +after a backup +2026-11-02T03:01:00Z +failed$/m);
  expect(text).toContain('\nretention failed: it may not delete\nhint: Let it.\n');
  const off = await statusAfter(past, [], { retention: false });
  expect(off.text).toMatch(/^retention +never +2026-11-02T03:01:00Z +failed$/m);
  expect(off.text).not.toContain('it may not delete');
});

const ended = (result: RunEnd['result'], verdict: 'proved' | 'restored' | 'not run'): RunEnd => ({
  result,
  reason: 'so',
  facts: { verification: { verdict, why: null, restoreSeconds: null, steps: [] } },
});

test('none was ever proved, or even tried → late when the first backup is older than the schedule of verifications lets expect', async () => {
  const { text } = await statusAfter([
    ['2026-10-20T03:00:00Z', 'shop', GOOD],
    ['2026-10-25T05:00:00Z', 'shop', ended('succeeded', 'restored'), 'verify'],
    ['2026-11-01T05:00:00Z', 'shop', ended('succeeded', 'restored'), 'verify'],
    ['2026-10-20T03:01:00Z', 'blog', GOOD],
  ]);
  expect(text).toMatch(/^warning: no verification of shop was good for longer/m);
  expect(text).toMatch(/^warning: no verification of blog was good for longer/m);
  const young = await statusAfter([
    ['2026-10-29T03:00:00Z', 'shop', GOOD],
    ['2026-11-01T05:00:00Z', 'shop', ended('succeeded', 'restored'), 'verify'],
  ]);
  expect(young.text).not.toContain('no verification of');
});

test('no verification was good for longer than its schedule lets expect → a warning that says what to do', async () => {
  const proved = ended('succeeded', 'proved');
  const notRun = ended('skipped', 'not run');
  const late = await statusAfter([
    ['2026-10-18T05:00:00Z', 'shop', proved, 'verify'],
    ['2026-11-01T05:00:00Z', 'shop', notRun, 'verify'],
    ['2026-11-01T05:01:00Z', 'blog', notRun, 'verify'],
  ]);
  expect(late.text).toMatch(
    /^warning: no verification of shop was good for longer .*`holdfast verify shop`$/m,
  );
  expect(late.text).toMatch(/^warning: no verification of blog was good/m);
  const onTime = await statusAfter([
    ['2026-10-25T05:00:00Z', 'shop', proved, 'verify'],
    ['2026-11-01T05:00:00Z', 'shop', notRun, 'verify'],
  ]);
  expect(onTime.text).not.toContain('no verification of');
});

test('a group of tenants went well and fails since, and another runs often → its failure is told, by the group', async () => {
  const of = (group: string, end: RunEnd): RunEnd => ({ ...end, facts: { group } });
  const run = (at: string, end: RunEnd): Past => [at, 'shop', end, 'tenant-backup'];
  const failed: RunEnd = { result: 'failed', reason: 'no route to the repository' };
  const often = Array.from({ length: 300 }, () => run('2026-11-02T08:00:00Z', of('high', GOOD)));
  const past = [
    run('2026-10-31T04:00:00Z', of('standard', GOOD)),
    run('2026-11-01T04:00:00Z', of('standard', failed)),
    ...often,
  ];
  const { text } = await statusAfter(past, [], { groups: ['standard', 'high', 'low'] });
  expect(text).toMatch(/^tenants standard of shop +2026-11-03T04:00:00Z +2026-11-01T04:00:00Z +failed$/m);
  expect(text).toMatch(/^tenants high of shop +\S+ +2026-11-02T08:00:00Z +succeeded$/m);
  expect(text).toMatch(/^tenants low of shop +\S+ +never +-$/m);
  expect(text).toContain(
    '\ntenant-backup of the group standard of shop failed: no route to the repository\n',
  );
});

test('what belongs to no tenant has a schedule and failed → its next time, and its failure', async () => {
  const failed: RunEnd = { result: 'failed', reason: 'no route to the repository' };
  const past: Past[] = [
    ['2026-11-01T04:00:00Z', 'shop', GOOD, 'global-backup'],
    ['2026-11-02T04:00:00Z', 'shop', failed, 'global-backup'],
  ];
  const { text } = await statusAfter(past, [], { globalSchedule: '0 4 * * *' });
  expect(text).toMatch(/^global of shop +2026-11-03T04:00:00Z +2026-11-02T04:00:00Z +failed$/m);
  expect(text).toContain('\nglobal-backup of shop failed: no route to the repository\n');
  const json = JSON.parse(
    (await statusAfter(past, ['--json'], { globalSchedule: '0 4 * * *' })).text,
  ) as object;
  expect(json).toMatchObject({
    globalBackups: [{ source: 'shop', next: '2026-11-03T04:00:00Z', lastRun: { result: 'failed' } }],
  });
  expect((await statusAfter(past)).text).not.toContain('global');
});

test('no retention for longer than the backups’ schedule lets expect → a warning with what to type, in --json too, and not stale', async () => {
  const past: Past[] = [
    ['2026-11-01T03:00:00Z', 'shop', GOOD],
    ['2026-11-01T03:10:00Z', null, { result: 'succeeded', reason: 'removed 0' }],
    ['2026-11-02T03:00:00Z', 'shop', GOOD],
    ['2026-11-02T03:00:10Z', 'blog', GOOD],
    [
      '2026-11-02T08:00:00Z',
      null,
      { result: 'succeeded', reason: 'would remove 1', facts: { dryRun: true } },
    ],
  ];
  const { text, code } = await statusAfter(past, ['--check']);
  expect(text).toContain(
    'warning: no retention was good for longer than the schedule lets expect (the last one ended at 2026-11-01T03:10:00Z): see why with `holdfast history`, and run `holdfast prune`',
  );
  expect(text).not.toMatch(/no check was good/);
  expect(code).toBe(0);
  const json = JSON.parse((await statusAfter(past, ['--json'])).text) as { maintenance: unknown[] };
  expect(json.maintenance).toMatchObject([
    { job: 'retention', lastSuccess: '2026-11-01T03:10:00Z', overdue: true },
    { job: 'check', lastSuccess: null, overdue: false },
    { job: 'verify', lastSuccess: null, overdue: false },
  ]);
  const off = await statusAfter(past, [], { retention: false });
  expect(off.text).not.toContain('no retention was good');
});
