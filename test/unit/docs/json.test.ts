import { describe, expect, test } from 'vitest';
import type { Access } from '../../../agent/repository-access.ts';
import type { App } from '../../../agent/app.ts';
import { createProgram } from '../../../agent/cli/program.ts';
import { configReference } from '../../../agent/config/reference.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import type { Ledger, Run } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { writePulse } from '../../../agent/pulse.ts';
import type { Snapshot } from '../../../agent/repository/repository.ts';
import { join } from 'node:path';
import { SHOP } from '../../helpers/configuration.ts';
import { readDocument, sectionOf } from '../../helpers/docs.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { documentedFields, fieldDifferences, fits, runFields } from '../../helpers/json-fields.ts';

const cli = readDocument('docs/cli.md');
const JSON_PART = sectionOf(cli, '## The JSON of the reading commands');

const documented = (heading: string) => documentedFields(JSON_PART, heading);
const RUN = documented('A run');
const differences = (given: unknown, told: Map<string, string>) => fieldDifferences(given, told, RUN);

const sources = [
  { name: 'shop', gates: true, objectives: { rpoSeconds: 3600, rtoSeconds: 60 } },
  { name: 'blog', gates: true, objectives: { rpoSeconds: null, rtoSeconds: null } },
];

const TURNS = {
  globalSchedule: '0 2 * * *',
  groups: [{ name: 'high', schedule: '0 1 * * *' }],
  verify: { everySeconds: 60, budgetSeconds: 60, schedule: '0 4 * * *' },
};

/** A ledger that has seen a good and a bad day. */
function ledgerWithRuns(): Ledger {
  const clock = { now: () => new Date('2026-11-01T03:00:04Z') };
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), clock);
  const good = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(good, {
    result: 'succeeded',
    reason: 'stored 1 MB',
    warnings: ['incomplete, as allowed'],
    facts: {
      dryRun: true,
      engine: 'mariadb',
      serverVersion: '11.8',
      snapshotId: 'a1',
      snapshotIds: ['a1'],
      dumpBytes: 3,
      storedBytes: 2,
      addedBytes: 1,
      repositoryBytes: 9,
      proof: 'checksums',
      equality: { proven: false, why: 'the lock was not to be had' },
      checkedPart: 1,
      suspect: 'it has 1 table',
      acceptedRun: 1,
      checkedOf: 2,
      allDataReadAt: '2026-11-01T03:00:04Z',
      databaseBytes: 10,
      tables: 4,
      rows: 5,
      snapshotsKept: 6,
      freedBytes: 8,
      snapshotsRemoved: 7,
      restorePointId: 'b2',
      createdRoles: ['app'],
      keptDatabase: 'shop_before_20261101_030004',
      tenant: '42',
      keptSchema: 'tenant_42_old_20261101_030004',
      tenantsBack: [
        { id: '1', schema: 't1', result: 'succeeded', why: null, tables: 2, seconds: 0.5 },
        { id: '2', schema: 't2', result: 'failed', why: 'a role is gone', tables: 2, seconds: 0.7 },
      ],
      sharedSeconds: 0.2,
      removed: [
        { shortId: 'a', time: '2026-11-01T03:00:04.123Z', source: 'shop', path: '/mysql/shop.sql.gz' },
      ],
    },
  });
  const verified = ledger.begin({ job: 'verify', source: 'shop', trigger: 'schedule' });
  ledger.finish(verified, {
    result: 'succeeded',
    reason: 'restored',
    facts: {
      equality: { proven: true, why: null },
      verification: {
        verdict: 'proved',
        why: null,
        sampledTables: 1,
        restoreSeconds: 41.2,
        steps: [{ step: 'restore', result: 'passed', seconds: 41.2, detail: '12.4 MB restored' }],
      },
    },
  });
  const untried = ledger.begin({ job: 'verify', source: 'blog', trigger: 'schedule' });
  ledger.finish(untried, {
    result: 'skipped',
    reason: 'not verified: no room',
    facts: { verification: { verdict: 'not run', why: 'no room', restoreSeconds: null, steps: [] } },
  });
  const ofTenants = ledger.begin({ job: 'tenant-backup', source: 'shop', trigger: 'schedule' });
  const tenant = { schema: 't', dumpBytes: 3, addedBytes: 1, seconds: 0.5 };
  ledger.finish(ofTenants, {
    result: 'failed',
    reason: '1 of 2 tenants failed',
    facts: {
      group: 'high',
      allTenants: true,
      tenants: [
        { ...tenant, id: '1', result: 'succeeded', why: null, snapshotId: 'c3' },
        { ...tenant, id: '2', result: 'failed', why: 'it hung', snapshotId: null },
      ],
    },
  });
  const byTurns = ledger.begin({ job: 'tenant-verify', source: 'shop', trigger: 'schedule' });
  const tried = { schema: 't', rows: 3, seconds: 0.5 };
  ledger.finish(byTurns, {
    result: 'failed',
    reason: '1 of 2 tenants did not come back',
    facts: {
      byTurns: true,
      schemas: ['t'],
      verifiedTenants: [
        { ...tried, id: '1', verdict: 'proved', why: null },
        { ...tried, id: '2', schema: 'u', verdict: 'failed', why: 'rows are missing' },
      ],
      tenantsLeft: [{ why: 'no time', tenants: [{ id: '3', schema: 'v' }] }],
    },
  });
  const bad = ledger.begin({ job: 'check', source: null, trigger: 'command' });
  ledger.finish(bad, { result: 'failed', reason: 'the check found errors', hint: 'See …' });
  ledger.begin({ job: 'backup', source: 'blog', trigger: 'catch-up' });
  return ledger;
}

const snapshots: Snapshot[] = [
  {
    id: 'a1',
    shortId: 'a',
    originalId: 'a1',
    time: '2026-11-01T03:00:04.123Z',
    host: 'holdfast',
    path: '/mysql/shop.sql.gz',
    tags: { source: 'shop', engine: 'mysql', kind: 'tenant', tenant: '42' },
    bytes: 1,
  },
  {
    id: 'b2',
    shortId: 'b',
    originalId: 'b2',
    time: '2026-11-01T03:00:04.123Z',
    host: 'x',
    path: '/',
    tags: null,
    bytes: null,
  },
];

/** What a command prints with `--json`. */
async function answerOf(args: string[], app: Partial<App> = {}): Promise<unknown> {
  const answers: unknown[] = [];
  const silent = () => undefined;
  const context = {
    print: {
      line: silent,
      json: (value: unknown) => void answers.push(value),
      table: silent,
      progress: silent,
      watched: false,
      progressDone: silent,
      note: silent,
      error: silent,
    },
    signal: new AbortController().signal,
    app: () => Promise.resolve(app as App),
    access: () => Promise.resolve(app as unknown as Access),
    config: () => loadConfig(SHOP),
    resticVersion: () => Promise.resolve(null),
    exitCode: 0,
  };
  await createProgram(context).parseAsync([...args, '--json'], { from: 'user' });
  // As it arrives at the other end.
  return JSON.parse(JSON.stringify(answers[0])) as unknown;
}

describe('the fields of --json in docs/cli.md → are those that the code gives, with their types', () => {
  test('snapshots', async () => {
    const repository = {
      reach: () => Promise.resolve('id'),
      list: () => Promise.resolve(snapshots),
    } as unknown as App['repository'];
    const given = await answerOf(['snapshots'], { repository });
    expect(differences(given, documented('`holdfast snapshots --json`'))).toEqual([]);
  });

  test('history', async () => {
    const given = (await answerOf(['history'], { ledger: ledgerWithRuns() })) as Run[];
    expect(given).toHaveLength(7);
    const told = new Map([...RUN].map(([field, type]) => [`run ${field}`, type]));
    const plain = given.map((run) => [['[]', 'run'], ...runFields(run)]).flat();
    expect(
      plain.filter(([field = '', type = '']) => field !== '[]' && !fits(told.get(field), type, told, field)),
    ).toEqual([]);
    expect([...told.keys()].filter((field) => !plain.some(([other]) => other === field))).toEqual([]);
  });

  test('status', async () => {
    const app = {
      ledger: ledgerWithRuns(),
      clock: { now: () => new Date('2026-11-01T09:00:00Z') },
      repositoryId: () => null,
      space: () =>
        Promise.resolve({ freeBytes: 1, fullInDays: 2, stateFreeBytes: 3, warnings: ['little is left'] }),
      dataCheck: () => ({ next: 1, of: 2, startedAt: null, completedAt: '2026-11-01T03:00:04Z' }),
      config: {
        sources: [...sources.slice(1), { ...sources[0], type: 'postgres', tenants: TURNS }],
        staleAfterSeconds: 60,
        timeZone: 'UTC',
        schedule: { backup: '0 3 * * *', verify: '0 5 * * 0' },
      },
    } as unknown as App;
    const given = await answerOf(['status'], app);
    expect(differences(given, documented('`holdfast status --json`'))).toEqual([]);
  });

  test('tenants', async () => {
    const found = { id: '1', schema: 't', active: true, group: 'high', bytes: 1 };
    const app = {
      ledger: ledgerWithRuns(),
      clock: { now: () => new Date('2026-11-01T09:00:00Z') },
      repositoryId: () => null,
      role: null,
      config: {
        sources: [{ name: 'shop', type: 'postgres', tenants: TURNS }],
        timeZone: 'UTC',
        schedule: { backup: '0 3 * * *' },
      },
      pick: () => [{ name: 'shop' }],
      repository: {
        reach: () => Promise.resolve('id'),
        list: () => Promise.resolve(snapshots),
        read: () => ({ stream: [], done: Promise.resolve() }),
      },
      tenantsOf: () => ({
        find: () => Promise.resolve({ tenants: [found], findings: ['tenant 43 has no schema'] }),
        schemasIn: () => Promise.resolve(['tenant_42']),
        part: (schema: string) => ({ path: `/postgres/shop/${schema}.dump` }),
      }),
    } as unknown as App;
    const given = await answerOf(['tenants', 'shop'], app);
    const told = documented('`holdfast tenants --json`');
    // The ledger has a good backup, and no proof of that very one.
    expect(differences(given, told)).toEqual([]);
  });

  test('restore --by-tenant', async () => {
    const told = documented('`holdfast restore --by-tenant --json`');
    const [run] = ledgerWithRuns().recent({ job: 'backup', source: 'shop', limit: 1 });
    const restore = (facts: object) =>
      answerOf(['restore', 'shop', '--to', 'new', '--by-tenant'], {
        pick: () => [{ name: 'shop', database: 'shop', nameLimit: { most: 63, unit: 'bytes' } }],
        role: null,
        tenantsOf: () => ({}),
        restore: () => Promise.resolve([{ run: { ...run, facts }, error: null, unreported: null }]),
      } as unknown as App);
    const both = [await restore(run?.facts ?? {}), await restore({})];
    expect(both.flatMap((one) => differences(one, told)).filter((one) => !one.startsWith('never'))).toEqual(
      [],
    );
    expect(differences(both[0], told).filter((one) => one !== 'never: sharedSeconds')).toEqual([]);
  });

  test('stats', async () => {
    const stats = { storedBytes: 1, restoreBytes: 2, snapshots: 3 };
    const repository = {
      reach: () => Promise.resolve('id'),
      stats: () => Promise.resolve(stats),
    } as unknown as App['repository'];
    const given = await answerOf(['stats'], { repository });
    expect(differences(given, documented('`holdfast stats --json`'))).toEqual([]);
  });

  test('stats --tenants', async () => {
    const given = await answerOf(['stats', '--tenants'], { ledger: ledgerWithRuns() });
    expect(differences(given, documented('`holdfast stats --tenants --json`'))).toEqual([]);
  });

  test('gate', async () => {
    const clock = { now: () => new Date('2026-11-01T09:00:00Z') };
    const app = {
      clock,
      config: { statusDir: temporaryFolder() },
      ledger: ledgerWithRuns(),
    } as unknown as App;
    const open = await answerOf(['gate', 'open', '--for', '2h', '--reason', 'moving'], app);
    const told = documented('`holdfast gate --json`');
    expect(differences(open, told)).toEqual([]);
    expect(await answerOf(['gate'], app)).toEqual(open);
    expect(await answerOf(['gate', 'auto'], app)).toEqual({ version: 1, override: null });
  });

  test('doctor', async () => {
    // Nothing can be there below a file: each thing that is looked at is a finding with a hint, or one without.
    const nowhere = join(import.meta.filename, 'nowhere');
    const app = {
      clock: { now: () => new Date('2026-11-01T09:00:00Z') },
      config: {
        timeZone: 'UTC',
        stateDir: nowhere,
        statusDir: nowhere,
        spoolBytes: 1,
        sources: [],
        warnings: ['PGHOST is not read'],
      },
      sources: [],
      space: () => Promise.resolve({ freeBytes: null, warnings: [] }),
    } as unknown as App;
    const given = await answerOf(['doctor'], app);
    expect(differences(given, documented('`holdfast doctor --json`'))).toEqual([]);
  });

  test('health', async () => {
    const stateDir = temporaryFolder();
    const now = new Date('2026-11-01T09:00:00Z');
    const app = {
      ledger: ledgerWithRuns(),
      clock: { now: () => now },
      config: { stateDir },
    } as unknown as App;
    const told = documented('`holdfast health --json`');
    const silent = await answerOf(['health'], app);
    const [at, due, next] = ['2026-11-01T08:59:50Z', '2026-11-01T03:00:00Z', '2026-11-01T15:00:00Z'];
    writePulse(stateDir, {
      version: 1,
      at,
      againBy: next,
      jobs: [{ name: 'backup', source: null, group: null, due, next }],
    });
    const given = await answerOf(['health'], app);
    expect(silent).toMatchObject({ healthy: false, lookedAt: null });
    expect(differences(given, told)).toEqual([]);
  });

  test('config', async () => {
    const told = documented('`holdfast config --json`');
    const mysql = (await answerOf(['config'])) as { sources: object[]; repository: object };
    const queries = [{ sql: 'SELECT 1', value: '1', rows: { min: 0, max: null } }];
    const keep = { daily: 1, weekly: 1, monthly: 1, yearly: 1, within: '2d' };
    const groups = [{ name: 'high', match: ['*'], schedule: '@daily', keep }];
    const found = { schemas: 'tenant_*', query: 'select 1', after_restore: 'select $1' };
    const verify = { every: 60, budget: 60, schedule: '@daily' };
    const global = { schedule: '@daily' };
    const tenants = { ...found, jobs: 2, timeout: 60, keep, priority: ['vip'], global, groups, verify };
    const both = {
      ...mysql,
      role: 'support',
      sources: [
        ...mysql.sources,
        {
          sslmode: 'prefer',
          sslrootcert: '/ca.pem',
          format: 'custom',
          jobs: 4,
          verify: { queries },
          keep,
          tenants,
        },
        { tenants: { groups: [] } },
      ],
    };
    both.repository = { ...mysql.repository, environment: {} };
    expect(differences(both, told)).toEqual([]);
    const keys = configReference().map((row) => row.key);
    expect(keys.filter((key) => !told.has(key) && key !== 'sources[].url')).toEqual([]);
  });
});
