import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { inParallel } from '../../../agent/jobs/backup/in-parallel.ts';
import { EndedRun } from '../../../agent/jobs/job.ts';
import { tenantBackupJob, type TenantBackupSettings } from '../../../agent/jobs/backup/tenant-backup.ts';
import type { FolderToSave, SaveTarget } from '../../../agent/repository/repository.ts';
import type { Source } from '../../../agent/sources/source.ts';
import type { Moment, TenantSchema } from '../../../agent/sources/tenant-dumps.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { streamOf } from '../../helpers/sources.ts';

const tenantsOf = (...ids: string[]) => ids.map((id) => ({ id, schema: `tenant_${id}` }));

interface Faults {
  /** What the dump of a tenant fails with. */
  fails?: Record<string, Error>;
  /** Dumps that never end by themselves. */
  hangs?: string[];
  /** Schemas that are gone when they are asked for after a failure. */
  gone?: string[];
  /** Schemas that were not there at the snapshot. */
  absent?: string[];
  /** How all of them are staged. */
  stage?: Moment['stage'];
  /** Why the moment cannot show a tenant any more. */
  outdated?: Record<string, string>;
  /** Told of each snapshot that the store has taken. */
  onSaved?: (target: SaveTarget) => void;
  /** Told when the moment is given back. */
  onRelease?: () => void;
  /** What the look at the server warns of. */
  warnings?: string[];
  signal?: AbortSignal;
}

/** A run over these tenants with a store that keeps the targets. */
async function backUp(
  tenants: TenantSchema[],
  faults: Faults = {},
  more: Partial<TenantBackupSettings> = {},
) {
  const saved: SaveTarget[] = [];
  const removed: string[] = [];
  const open =
    ({ id }: TenantSchema) =>
    () => ({
      stream: streamOf('x'),
      done: Promise.resolve({ bytes: 1, warnings: [] }),
      id,
    });
  const parts = (tenant: TenantSchema) =>
    (['tenant-prelude', 'tenant'] as const).map((kind) => ({
      kind,
      path: `/postgres/clinic/${tenant.schema}.${kind}`,
      open: open(tenant),
    }));
  const settings: TenantBackupSettings = {
    store: {
      location: '/repository',
      prepare: (target) => ({
        target,
        startedAt: new Date(0),
        save: async (_dump, signal) => {
          const id = target.tags.tenant ?? '';
          if (faults.hangs?.includes(id) === true)
            await new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(new Error('ended'))),
            );
          const fault = target.tags.kind.endsWith('prelude') ? undefined : faults.fails?.[id];
          if (fault !== undefined) throw fault;
          saved.push(target);
          faults.onSaved?.(target);
          return {
            id: target.path,
            path: target.path,
            dumpBytes: 10,
            storedBytes: 5,
            addedBytes: 2,
            warnings: [],
          };
        },
        cancel: () => Promise.resolve(),
      }),
      remove: async (ids) => void removed.push(...ids),
    },
    ensure: () => Promise.resolve({ id: 'r1', created: false }),
    notes: { recall: () => null, remember: () => undefined },
    dumps: {
      atOneMoment: (_what, _signal, work) =>
        work({
          holds: ({ schema }) => faults.absent?.includes(schema) !== true,
          globalTables: 0,
          stage: faults.stage ?? (() => Promise.reject(new Error('nothing is to be staged'))),
          release: async () => faults.onRelease?.(),
          outdated: async ({ id }) => faults.outdated?.[id] ?? null,
          tenantParts: parts,
          globalParts: () => [],
        }),
      exists: async (schema) => faults.gone?.includes(schema) !== true,
    },
    choose: async () => ({ all: tenants, chosen: tenants, findings: [] }),
    set: null,
    proofs: true,
    now: () => new Date('2026-11-01T00:00:00.500Z'),
    onDemand: false,
    group: null,
    compression: 'gzip',
    atOnce: 2,
    tenantTimeoutMs: 60_000,
    timeoutMs: 60_000,
    ...more,
  };
  const source = {
    name: 'clinic',
    database: 'clinic',
    probe: () =>
      Promise.resolve({
        ...{ engine: 'postgres', serverVersion: '17', gaps: [], tables: 2 },
        warnings: faults.warnings ?? [],
      }),
  } as unknown as Source;
  const context = { signal: faults.signal ?? new AbortController().signal, onProgress: () => undefined };
  const job = tenantBackupJob(source, settings);
  const outcome = await job.run(context).catch((error: unknown) => error);
  return { job, outcome, saved, removed };
}

describe('a backup of tenants', () => {
  test('all go well → each has its prelude and then its dump, under its own tag', async () => {
    const { outcome, saved } = await backUp(tenantsOf('1', '2'));
    expect(saved.map(({ tags }) => `${tags.tenant} ${tags.kind}`).toSorted()).toEqual([
      '1 tenant',
      '1 tenant-prelude',
      '2 tenant',
      '2 tenant-prelude',
    ]);
    expect(outcome).toMatchObject({
      warnings: [],
      facts: { dumpBytes: 40, addedBytes: 8, tenants: [{ id: '1', result: 'succeeded' }, { id: '2' }] },
    });
  });

  test('named by a person → of the kind that is kept for a month', async () => {
    const { saved } = await backUp(tenantsOf('1'), {}, { onDemand: true });
    expect(saved.map(({ tags }) => tags.kind)).toEqual(['on-demand-prelude', 'on-demand']);
  });

  test.each<[string, Partial<TenantBackupSettings>, object]>([
    ['by the schedule of a group → the group', { group: 'standard' }, { group: 'standard' }],
    ['of all → that', {}, { allTenants: true }],
    ['of those whom a person named → nothing', { onDemand: true }, {}],
  ])('whose it is, is known before it begins: %s', async (_, more, facts) => {
    const { job } = await backUp(tenantsOf('1'), {}, more);
    expect(job.facts).toEqual(facts);
  });

  describe('told to stop', () => {
    const stopped = new HoldfastError('interrupted', 'it was told to stop');
    /** Stops a run of two, one at a time, as soon as the dump of this one is stored. */
    const stoppedBehind = (last: string, reason: Error = stopped) => {
      const stop = new AbortController();
      const onSaved = ({ tags }: SaveTarget) => {
        if (tags.kind === 'tenant' && tags.tenant === last) stop.abort(reason);
      };
      return backUp(tenantsOf('1', '2'), { signal: stop.signal, onSaved }, { atOnce: 1 });
    };

    test('before all are stored → interrupted, so that it is caught up; what is stored is in the facts', async () => {
      const { outcome } = await stoppedBehind('1');
      expect(outcome).toBeInstanceOf(EndedRun);
      expect(outcome).toMatchObject({
        result: 'interrupted',
        stands: true,
        message: 'it was told to stop; 1 of 2 tenants stored',
        facts: { tenants: [{ result: 'succeeded' }, { result: 'failed' }] },
      });
      expect((outcome as EndedRun).facts.snapshotIds).toHaveLength(2);
    });

    test('behind the last one → all are stored, and the run went well', async () => {
      const { outcome } = await stoppedBehind('2');
      expect(outcome).toMatchObject({
        reason: expect.stringMatching(/^stored 2 tenants/) as string,
        facts: { tenants: [{ result: 'succeeded' }, { result: 'succeeded' }] },
      });
    });

    test('by its own time limit → failed: it would take too long again', async () => {
      const { outcome } = await stoppedBehind('1', new HoldfastError('timeout', 'it was ended after 6 h'));
      expect(outcome).toMatchObject({ result: 'failed', stands: true, kind: 'timeout' });
    });
  });

  test('one fails → the run fails and names it; its prelude is removed, what the others stored is kept and told', async () => {
    const fails = { 2: new HoldfastError('dump_failed', 'permission denied for table t') };
    const { outcome, removed } = await backUp(tenantsOf('1', '2', '3'), { fails });
    expect(outcome).toBeInstanceOf(EndedRun);
    expect((outcome as EndedRun).message).toBe(
      '1 of 3 tenants failed, 2 stored: 2: permission denied for table t',
    );
    expect((outcome as EndedRun).facts.snapshotIds).toHaveLength(4);
    expect(removed).toEqual(['/postgres/clinic/tenant_2.tenant-prelude']);
  });

  test('one fails because its schema is gone, one was gone before → both vanished, a warning each, no failure', async () => {
    const fails = { 2: new HoldfastError('dump_failed', 'relation does not exist') };
    const { outcome } = await backUp(tenantsOf('1', '2', '3'), {
      fails,
      gone: ['tenant_2'],
      absent: ['tenant_3'],
    });
    expect(outcome).toMatchObject({
      warnings: [
        expect.stringMatching(/tenant 2 was not dumped/),
        expect.stringMatching(/tenant 3 was not dumped/),
      ],
      facts: { tenants: [{ result: 'succeeded' }, { result: 'vanished' }, { result: 'vanished' }] },
    });
  });

  test('one hangs → ended at its own time limit, the others are stored', async () => {
    const { outcome, saved } = await backUp(tenantsOf('1', '2'), { hangs: ['1'] }, { tenantTimeoutMs: 100 });
    expect((outcome as EndedRun).message).toMatch(
      /1 of 2 tenants failed, 1 stored: 1: it was ended after 0.1 s, its time limit/,
    );
    expect(saved).toHaveLength(2);
  });

  test('a table was truncated while others were dumped → its tenant failed, and what was stored of it is removed', async () => {
    const outdated = { 2: 't was truncated or rewritten while tenants were dumped' };
    const { outcome, removed } = await backUp(tenantsOf('1', '2'), { outdated });
    expect((outcome as EndedRun).message).toMatch(/1 of 2 tenants failed, 1 stored: 2: t was truncated/);
    expect((outcome as EndedRun).facts.snapshotIds).toHaveLength(2);
    expect(removed.toSorted()).toEqual([
      '/postgres/clinic/tenant_2.tenant',
      '/postgres/clinic/tenant_2.tenant-prelude',
    ]);
  });

  test('there is none → a failure that says why', async () => {
    const choose = async () => ({ all: [], chosen: [], findings: ['no schema is like tenant_*'] });
    const { outcome } = await backUp([], {}, { choose });
    expect(outcome).toMatchObject({ kind: 'source_empty', message: 'no schema is like tenant_*' });
  });
});

test('work for many → never more at once than allowed, results in the order of the items', async () => {
  let [running, most] = [0, 0];
  const results = await inParallel([5, 1, 3, 2, 4], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    for (let i = 0; i < item; i += 1) await Promise.resolve();
    running -= 1;
    return item * 10;
  });
  expect(results).toEqual([50, 10, 30, 20, 40]);
  expect(most).toBe(2);
});

describe('a backup of tenants as one snapshot', () => {
  const files = (id: string) => [{ path: `/postgres/clinic/tenant_${id}.dump`, bytes: 100 }];
  const stagedBut =
    (...left: string[]): Moment['stage'] =>
    async ({ tenants }) => ({
      path: '/postgres/clinic',
      tenants: tenants
        .filter(({ id }) => !left.includes(id))
        .map((tenant) => ({ tenant, files: files(tenant.id), unproven: null })),
      shared: [{ path: '/postgres/clinic/shared/1.sql', bytes: 7 }],
      left: tenants.filter(({ id }) => left.includes(id)),
      failed: [],
      warnings: [],
    });
  const setIn = (asked: FolderToSave[], fault?: Error) => ({
    staging: join(temporaryFolder(), 'run', 'holdfast-staging'),
    limitMs: Infinity,
    repository: {
      saveFolder: async (request: FolderToSave) => {
        if (fault !== undefined) throw fault;
        asked.push(request);
        const { path, bytes } = request;
        const addedOf = new Map([[files('1')[0]?.path ?? '', 60]]);
        return {
          id: 'set',
          path,
          dumpBytes: bytes,
          storedBytes: bytes,
          addedBytes: 90,
          warnings: [],
          addedOf,
        };
      },
    },
  });

  test.each([
    ['all are staged → the moment is given back before they are stored', [], ['released', 'stored']],
    ['one is left, to be dumped by itself → the moment lasts', ['2'], ['stored']],
  ])('%s', async (_, left, order) => {
    const done: string[] = [];
    const set = setIn([]);
    const { saveFolder } = set.repository;
    set.repository.saveFolder = (request) => {
      done.push('stored');
      return saveFolder(request);
    };
    const onRelease = () => void done.push('released');
    await backUp(tenantsOf('1', '2'), { stage: stagedBut(...left), onRelease }, { set });
    expect(done).toEqual(order);
  });

  test('all are staged → one snapshot, told once, and of each tenant what it has added; nothing is left on the disk', async () => {
    const asked: FolderToSave[] = [];
    const set = setIn(asked);
    const { outcome, saved } = await backUp(
      tenantsOf('1', '2'),
      { stage: stagedBut() },
      { set, group: 'high' },
    );
    expect(saved).toEqual([]);
    expect(asked).toMatchObject([
      {
        path: '/postgres/clinic',
        files: 3,
        bytes: 207,
        tags: { source: 'clinic', engine: 'postgres', kind: 'tenant-set', group: 'high' },
        time: new Date('2026-11-01T00:00:00.500Z'),
      },
    ]);
    expect(outcome).toMatchObject({
      facts: {
        snapshotIds: ['set'],
        addedBytes: 90,
        tenants: [
          { id: '1', result: 'succeeded', snapshotId: 'set', dumpBytes: 100, addedBytes: 60 },
          { id: '2', result: 'succeeded', snapshotId: 'set', dumpBytes: 100, addedBytes: 0 },
        ],
      },
    });
    expect(existsSync(set.staging)).toBe(false);
  });

  test('one cannot be staged, one is gone → these by themselves with their own ends, the others in the set', async () => {
    const set = setIn([]);
    const faults = { stage: stagedBut('2'), fails: { 2: new Error('denied') }, absent: ['tenant_3'] };
    const { outcome } = await backUp(tenantsOf('1', '2', '3'), faults, { set });
    expect(outcome).toMatchObject({
      message: expect.stringContaining('1 of 3 tenants failed, 1 stored: 2: denied') as string,
      facts: {
        snapshotIds: ['set'],
        tenants: [
          { id: '1', result: 'succeeded' },
          { id: '2', result: 'failed' },
          { id: '3', result: 'vanished' },
        ],
      },
    });
  });

  test('a moment that cannot show one any more → that one failed, the others are in the set', async () => {
    const stage: Moment['stage'] = async (order, signal) => {
      const [first, ...others] = order.tenants;
      const staged = await stagedBut()({ ...order, tenants: others }, signal);
      return { ...staged, failed: [{ tenant: first!, why: 't was truncated or rewritten' }] };
    };
    const { outcome } = await backUp(tenantsOf('1', '2'), { stage }, { set: setIn([]) });
    expect((outcome as EndedRun).message).toMatch(/1 of 2 tenants failed, 1 stored: 1: t was truncated/);
    expect((outcome as EndedRun).facts.snapshotIds).toEqual(['set']);
  });

  test('the server has little room for locks → warned of where all are dumped in one pass, which locks all tables at once', async () => {
    const warnings = ['set max_locks_per_transaction = 128 there'];
    const together = { set: setIn([]) };
    const stage = stagedBut();
    const { outcome } = await backUp(tenantsOf('1', '2'), { stage, warnings }, together);
    expect(outcome).toMatchObject({ warnings });
    expect((await backUp(tenantsOf('1'), { warnings })).outcome).toMatchObject({ warnings: [] });
  });

  test('told to stop behind the set → interrupted, and the set is in the facts: the next run must not take it for a stray', async () => {
    const stop = new AbortController();
    const saving = setIn([]);
    const set: typeof saving = {
      ...saving,
      repository: {
        saveFolder: async (request) => {
          const saved = await saving.repository.saveFolder(request);
          stop.abort(new HoldfastError('interrupted', 'it was told to stop'));
          return saved;
        },
      },
    };
    const faults = { stage: stagedBut('2'), signal: stop.signal };
    const { outcome } = await backUp(tenantsOf('1', '2'), faults, { set });
    expect(outcome).toMatchObject({
      result: 'interrupted',
      stands: true,
      kind: 'interrupted',
      message: 'it was told to stop; 1 of 2 tenants stored',
      facts: { snapshotIds: ['set'], tenants: [{ result: 'succeeded' }, { result: 'failed' }] },
    });
  });

  test('the moment breaks off behind the set → failed with what broke it, and the set is in the facts', async () => {
    const breaks: Partial<TenantBackupSettings> = {
      set: setIn([]),
      dumps: {
        exists: async () => true,
        atOneMoment: async (_what, signal, work) => {
          await work({
            holds: () => true,
            globalTables: 0,
            stage: stagedBut('2'),
            release: () => Promise.resolve(),
            outdated: async () => null,
            tenantParts: () => [],
            globalParts: () => [],
          });
          signal.throwIfAborted();
          throw new HoldfastError('source_unreachable', 'the server went away');
        },
      },
    };
    const { outcome } = await backUp(tenantsOf('1', '2'), {}, breaks);
    expect(outcome).toMatchObject({
      kind: 'source_unreachable',
      message: 'the server went away; 1 of 2 tenants stored',
      facts: { snapshotIds: ['set'] },
    });
  });

  test('the repository refuses the set, or the disk is full → the run fails with that, nothing is left on the disk', async () => {
    const set = setIn([], new HoldfastError('repository_full', 'no space is left'));
    const { outcome } = await backUp(tenantsOf('1'), { stage: stagedBut() }, { set });
    expect(outcome).toMatchObject({ kind: 'repository_full' });
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const staged = await backUp(tenantsOf('1'), { stage: () => Promise.reject(full) }, { set });
    expect(staged.outcome).toMatchObject({ kind: 'staging_full' });
    expect(existsSync(set.staging)).toBe(false);
  });

  test('more than there is room for → refused before anything is dumped', async () => {
    const [tenant] = tenantsOf('1');
    const choose = async () => ({ all: [tenant!], chosen: [{ ...tenant!, bytes: 2 ** 60 }], findings: [] });
    const { outcome } = await backUp(tenantsOf('1'), {}, { set: setIn([]), choose });
    expect(outcome).toMatchObject({
      kind: 'staging_full',
      message: expect.stringMatching(/staging 1 tenant of clinic takes about .* free in/) as string,
    });
  });
});
