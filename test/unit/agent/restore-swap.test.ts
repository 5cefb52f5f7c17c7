import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { dropKept, keptDatabases, rememberKept } from '../../../agent/jobs/restore/kept-database.ts';
import type { Notes } from '../../../agent/jobs/init.ts';
import { restoreJob } from '../../../agent/jobs/restore/restore.ts';
import { settleUnfinishedSwap } from '../../../agent/jobs/restore/settle-swap.ts';
import { storeProof } from '../../../agent/jobs/stored-proof.ts';
import { markUnfinished, refuseUnfinished } from '../../../agent/jobs/restore/unfinished-restore.ts';
import type { Proof, TableProof } from '../../../agent/proof/proof.ts';
import type { Repository, DumpToSave, PreparedSave, Snapshot } from '../../../agent/repository/repository.ts';
import type { Source, SwapPlan } from '../../../agent/sources/source.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';
import type { RestoreSettings } from '../../../agent/jobs/restore/restoration.ts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const DUMP: Snapshot = {
  id: 'd'.repeat(64),
  originalId: 'd'.repeat(64),
  shortId: 'dddddddd',
  time: '2026-11-01T03:00:00.000Z',
  host: 'holdfast',
  path: '/postgres/shop.dump.gz',
  tags: { source: 'shop', engine: 'postgres', kind: 'dump' },
  bytes: 9,
};

const NOTHING = { tables: [], views: 0, routines: 0, triggers: 0, events: 0 };

/** A repository that holds one dump and its proof. */
async function repositoryWith(proof: Proof): Promise<Repository> {
  let stored = Buffer.alloc(0);
  const chunks = async function* (bytes: Buffer) {
    yield bytes;
  };
  const repository = {
    identify: async () => 'id',
    list: async () => [DUMP, { ...DUMP, id: 'p', path: 'proof', tags: { ...DUMP.tags, kind: 'proof' } }],
    read: ({ path }: Snapshot) => ({
      stream: chunks(path === 'proof' ? stored : Buffer.from('dump')),
      done: Promise.resolve(),
    }),
  } as unknown as Repository;
  const save = async ({ open }: DumpToSave) => {
    for await (const chunk of open(context.signal).stream) stored = Buffer.concat([stored, chunk]);
  };
  await storeProof({ save } as unknown as PreparedSave, { dumpId: DUMP.id, proof }, context.signal);
  return repository;
}

/** A server with the databases `shop`; what a restore brings back is what `found` says. */
function sourceThatFinds(
  found: Proof,
  swapIn: Source['swapIn'] = async () => [],
  settleSwap: Source['settleSwap'] = async () => 'undone',
) {
  const done: string[] = [];
  const databases = ['shop'];
  const source = {
    name: 'shop',
    database: 'shop',
    analyze: async () => void done.push('analyze'),
    renames: true,
    swapHurdle: async () => null,
    listDatabases: async (prefix: string) => databases.filter((name) => name.startsWith(prefix)),
    createDatabase: async (name: string) => (databases.push(name), []),
    dropDatabase: async (name: string) => {
      done.push('drop');
      databases.splice(databases.indexOf(name), 1);
    },
    restoreInto: async (_: string, dump: AsyncIterable<Buffer>) => {
      for await (const chunk of dump) done.push(`load ${String(chunk)}`);
      return { notes: [], warnings: [], ownersKept: true, stilledEvents: [] };
    },
    inspect: async () => NOTHING,
    prove: async () => found,
    sizeOf: async () => 2_000_000,
    planSwap: async ({ fresh, keep }: SwapPlan) => ({ fresh, keep, details: '' }),
    swapIn: async (plan: SwapPlan) => {
      done.push(`swap ${plan.keep}`);
      return swapIn(plan, context.signal);
    },
    settleSwap,
  } as unknown as Source;
  return { source, done, databases };
}

function settings(repository: Repository): RestoreSettings & { notes: Notes } {
  const kept = new Map<string, string>();
  return {
    repository,
    notes: { remember: (key, value) => void kept.set(key, value), recall: (key) => kept.get(key) ?? null },
    ledger: { recent: () => [], last: () => null, suspects: () => [] },
    now: () => new Date('2026-11-01T15:00:00Z'),
    host: 'holdfast',
    wanted: { id: 'latest', at: null },
    target: { kind: 'overwrite' },
    tables: null,
    ofTenant: null,
    byTenant: null,
    owners: 'where-allowed',
    createRoles: true,
    restorePoint: false,
    inPlace: false,
    unverified: false,
    asItIs: {} as Source,
    compression: 'gzip',
    allowIncomplete: [],
    listedIn: null,
    tell: () => undefined,
    dryRun: false,
    timeoutMs: 1000,
  };
}

describe('a restore with a swap', () => {
  test('what came back is what the proof says → swapped in, and the old one is noted under its dated name', async () => {
    const { source, done, databases } = sourceThatFinds(proofOf());
    const chosen = settings(await repositoryWith(proofOf()));
    const { reason, warnings, facts } = await restoreJob(source, chosen).run(context);
    expect(done).toEqual(['load dump', 'analyze', 'swap shop_before_20261101_150000']);
    expect(reason).toMatch(
      /equal to the source.*the old one is shop_before_20261101_150000 until 2026-11-08/,
    );
    expect(warnings).toEqual([]);
    expect(facts.keptDatabase).toBe('shop_before_20261101_150000');
    expect(keptDatabases(chosen.notes, 'shop')).toHaveLength(1);
    expect(databases[0]).toBe('shop');
  });

  test('a row is missing → told with its table, nothing is swapped, and the database beside is dropped', async () => {
    const found = proofOf({
      tables: [tableProof('orders', { rows: 2 }), tableProof('customers', { rows: 2, checksum: '12' })],
    });
    const { source, done, databases } = sourceThatFinds(found);
    const chosen = settings(await repositoryWith(proofOf()));
    const failure = restoreJob(source, chosen).run(context);
    await expect(failure).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(/table orders has 2 rows, expected 3; shop was not touched$/) as string,
      hint: expect.stringContaining('--to NAME') as string,
    });
    expect(done).toEqual(['load dump', 'drop']);
    expect(databases).toEqual(['shop']);
    expect(keptDatabases(chosen.notes, 'shop')).toEqual([]);
  });

  test('the same into a new database → it is there, and the difference is a warning', async () => {
    const { source, databases } = sourceThatFinds(proofOf({ tables: [tableProof('orders', { rows: 2 })] }));
    const chosen = settings(await repositoryWith(proofOf()));
    const job = restoreJob(source, { ...chosen, target: { kind: 'new-database', name: 'copy' } });
    const { warnings } = await job.run(context);
    expect(warnings).toEqual([expect.stringMatching(/table customers is missing/)]);
    expect(databases).toEqual(['shop', 'copy']);
  });

  describe('the snapshot of the proof is damaged', () => {
    const damaged = () => {
      const error = new HoldfastError(
        'repository_damaged',
        'snapshot pppppppp cannot be read: unexpected EOF',
        {
          hint: 'Run `holdfast check --all-data`.',
        },
      );
      return Promise.reject(error);
    };
    const repository = async () => {
      const whole = await repositoryWith(proofOf());
      const read: Repository['read'] = (snapshot, signal) =>
        snapshot.path === 'proof'
          ? { ...whole.read(snapshot, signal), done: damaged() }
          : whole.read(snapshot, signal);
      return { ...whole, read };
    };

    test('→ nothing is swapped, and the way on is told', async () => {
      const { source, done, databases } = sourceThatFinds(proofOf());
      const failure = restoreJob(source, settings(await repository())).run(context);
      await expect(failure).rejects.toMatchObject({
        kind: 'repository_damaged',
        message:
          'it was not compared with its proof: snapshot pppppppp cannot be read: unexpected EOF; shop was not touched',
        hint: expect.stringMatching(
          /^Restore another snapshot; .*`holdfast restore shop --snapshot dddddddd --to NAME` .* add --unverified\. Run `holdfast check --all-data`\.$/,
        ) as string,
      });
      expect(done).toEqual(['load dump', 'drop']);
      expect(databases).toEqual(['shop']);
    });

    test('and --unverified → swapped in, with a warning', async () => {
      const { source, done } = sourceThatFinds(proofOf());
      const chosen = { ...settings(await repository()), unverified: true };
      const { warnings } = await restoreJob(source, chosen).run(context);
      expect(warnings).toEqual([
        expect.stringMatching(/^it was not compared with its proof: snapshot pppppppp/),
      ]);
      expect(done.at(-1)).toMatch(/^swap /);
    });

    test('and it goes into a new database → it is there, with a warning', async () => {
      const { source, databases } = sourceThatFinds(proofOf());
      const target = { kind: 'new-database', name: 'copy' } as const;
      const { reason, warnings } = await restoreJob(source, {
        ...settings(await repository()),
        target,
      }).run(context);
      expect(warnings).toEqual([
        expect.stringMatching(/^it was not compared with its proof: snapshot pppppppp/),
      ]);
      expect(reason).not.toContain('equal');
      expect(databases).toEqual(['shop', 'copy']);
    });
  });

  describe('the proof cannot be had', () => {
    const away = async (): Promise<Repository> => {
      const whole = await repositoryWith(proofOf());
      const read: Repository['read'] = (snapshot, signal) => {
        if (snapshot.path !== 'proof') return whole.read(snapshot, signal);
        throw new HoldfastError('repository_unreachable', 'the repository does not answer');
      };
      return { ...whole, read };
    };
    /** The backup stored one, by the ledger. */
    const gone = async (): Promise<Repository> => ({
      ...(await repositoryWith(proofOf())),
      list: async ({ kind }) => (kind === 'proof' ? [] : [DUMP]),
    });
    const withRun = (chosen: RestoreSettings): RestoreSettings => {
      const run = { id: 1, facts: { snapshotId: DUMP.id, snapshotIds: [DUMP.id], proof: 'checksums' } };
      const recent = ({ job }: { job?: string }) => (job === 'backup' ? [run] : []);
      return { ...chosen, ledger: { ...chosen.ledger, recent } as unknown as RestoreSettings['ledger'] };
    };

    test.each([
      [
        'the repository does not answer for it',
        away,
        /the repository does not answer; shop was not touched$/,
      ],
      ['it is gone', gone, /proof that was stored with dddddddd is not in the repository any more; shop was/],
    ])('%s → nothing is swapped, unless with --unverified', async (_, repository, told) => {
      const { source, done } = sourceThatFinds(proofOf());
      const chosen = withRun(settings(await repository()));
      await expect(restoreJob(source, chosen).run(context)).rejects.toMatchObject({
        message: expect.stringMatching(told) as string,
        hint: expect.stringContaining('add --unverified') as string,
      });
      expect(done).toEqual(['load dump', 'drop']);
      const { warnings } = await restoreJob(source, { ...chosen, unverified: true }).run(context);
      expect(warnings).toEqual([expect.stringMatching(/^it was not compared with its proof/)]);
      expect(done.at(-1)).toMatch(/^swap /);
    });

    test('what came back differs from it → --unverified does not help', async () => {
      const { source } = sourceThatFinds(proofOf({ tables: [] }));
      const chosen = { ...settings(await repositoryWith(proofOf())), unverified: true };
      await expect(restoreJob(source, chosen).run(context)).rejects.toThrow(/shop was not touched$/);
    });
  });

  test('chosen tables → their rows are compared before any is replaced, and those of others are not', async () => {
    const tables = [tableProof('orders'), tableProof('customers', { rows: 9 })];
    const restored = async (found: Proof) => {
      const { source, done } = sourceThatFinds(found);
      source.tablesIn = async () => ['orders', 'customers'].map((name) => ({ name, rowsIn: [name] }));
      const chosen = { ...settings(await repositoryWith(proofOf())), tables: ['orders'] };
      return { ended: restoreJob(source, chosen).run(context), done };
    };
    const equal = await restored(proofOf({ tables, objects: proofOf().objects.slice(0, 3) }));
    expect((await equal.ended).reason).toContain('1 table, 3 rows and 1 object equal to the source');
    const other = await restored(proofOf({ tables: [tableProof('orders', { checksum: '1' })] }));
    await expect(other.ended).rejects.toThrow(/orders has its 3 rows, but not .*; shop was not touched$/);
    expect(other.done).toEqual(['load dump', 'drop']);
  });

  describe('a chosen table that is partitioned', () => {
    const inDump = [
      { name: 'public.sales', rowsIn: ['public.sales_1', 'public.sales.2'] },
      { name: 'public.other', rowsIn: ['public.other'] },
    ];
    const parts = ['public.sales_1', 'public."sales.2"'].map((name) => tableProof(name));
    const proved = (tables: TableProof[]) =>
      proofOf({ tables, objects: [objectProof('table', 'public.sales')], counters: [] });
    const expected = proved([...parts, tableProof('public.other')]);
    const restored = async (found: Proof, proof = expected) => {
      const { source, done } = sourceThatFinds(found);
      source.tablesIn = async () => inDump;
      source.inspect = async () => ({ ...NOTHING, tables: [{ name: 'public.sales_1', rows: 3 }] });
      const chosen = { ...settings(await repositoryWith(proof)), tables: ['sales'] };
      return { ended: restoreJob(source, chosen).run(context), done };
    };

    test('and a partition came back short → told, and nothing is replaced', async () => {
      const short = proved([tableProof('public.sales_1', { rows: 2 }), parts[1]!]);
      const { ended, done } = await restored(short);
      await expect(ended).rejects.toThrow(/public.sales_1 has 2 rows, expected 3; shop was not touched$/);
      expect(done).toEqual(['load dump', 'drop']);
    });

    test('and came back whole → its partitions are compared and counted', async () => {
      const { reason, facts } = await (await restored(expected)).ended;
      expect(reason).toContain('restored public.sales of dddddddd');
      expect(reason).toContain('2 tables, 6 rows and 1 object equal to the source');
      expect(facts).toMatchObject({ tables: 1, rows: 3 });
    });

    test('and the proof has a part of it → what was not compared is named beside what is equal', async () => {
      const { reason } = await (await restored(proved([parts[0]!]), proved([parts[0]!]))).ended;
      expect(reason).toMatch(/1 table, 3 rows .* equal to the source; not compared: .*public\.sales\.2$/);
    });

    test('and the proof has none of it → not compared, and never called equal', async () => {
      const { reason } = await (await restored(expected, proved([tableProof('public.other')]))).ended;
      expect(reason).toMatch(/not compared: the proof says nothing of the rows of public\.sales_1, /);
      expect(reason).not.toContain('equal');
    });
  });

  test('equality was not proven when the dump was made → done, and never called equal', async () => {
    const unproven = proofOf({ unproven: 'others wrote meanwhile' });
    const { source } = sourceThatFinds(proofOf());
    const { reason, warnings } = await restoreJob(source, settings(await repositoryWith(unproven))).run(
      context,
    );
    expect(reason).toContain('equality is not proven: others wrote meanwhile');
    expect(reason).not.toContain('equal to the source');
    expect(warnings).toEqual([]);
  });

  describe('onto a server of another release', () => {
    const objects = proofOf().objects.map((object) => ({ ...object, hash: 'in other words' }));
    const newer = { serverVersion: '18.1', method: 'test-2' };
    const restored = async (found: Proof) => {
      const { source, done } = sourceThatFinds(found);
      const run = restoreJob(source, settings(await repositoryWith(proofOf()))).run(context);
      return { done, outcome: await run.catch((error: unknown) => error) };
    };

    test('which hashes rows and writes definitions otherwise → swapped in, and a warning names what was not compared', async () => {
      const { done, outcome } = await restored(proofOf({ ...newer, objects }));
      expect(done.at(-1)).toMatch(/^swap /);
      const { reason, warnings } = outcome as { reason: string; warnings: string[] };
      expect(reason).toMatch(
        /; 2 tables, 5 rows and 4 objects as in the source, as far as that could be compared;/,
      );
      expect(warnings).toEqual([
        'equality is not proven: the rows of orders, customers could not be compared: they are hashed by another method now, test-2; the definition of table orders, index orders.orders_pkey, table customers, routine total could not be compared: PostgreSQL 18.1 and PostgreSQL 15.18 may write the same definition in other words',
      ]);
    });

    test('and an object is missing → refused all the same', async () => {
      const { done, outcome } = await restored(proofOf({ ...newer, objects: objects.slice(0, 3) }));
      expect(outcome).toMatchObject({ kind: 'restore_failed' });
      expect((outcome as Error).message).toMatch(/routine total is missing; shop was not touched$/);
      expect(done.at(-1)).toBe('drop');
    });
  });

  test('the swap fails → the database beside is dropped, and the first cause is told', async () => {
    const { source, databases } = sourceThatFinds(proofOf(), () =>
      Promise.reject(new Error('somebody stays')),
    );
    const failure = restoreJob(source, settings(await repositoryWith(proofOf()))).run(context);
    await expect(failure).rejects.toThrow('somebody stays');
    expect(databases).toEqual(['shop']);
  });

  test('the swap fails half way, and it is ended all the same → done, with a warning', async () => {
    const { source } = sourceThatFinds(
      proofOf(),
      () => Promise.reject(new Error('the connection broke')),
      async () => 'done',
    );
    const chosen = settings(await repositoryWith(proofOf()));
    const { warnings } = await restoreJob(source, chosen).run(context);
    expect(warnings).toEqual([expect.stringContaining('the connection broke')]);
    expect(() => refuseUnfinished(chosen.notes, 'shop')).not.toThrow();
  });

  test('the swap fails and cannot be put in order → nothing is dropped, no backup counts, and the next restore settles it first', async () => {
    const ends: ('undone' | Error)[] = [new Error('still away'), new Error('still away'), 'undone'];
    const { source, done, databases } = sourceThatFinds(
      proofOf(),
      () => Promise.reject(new Error('the server went away')),
      async () => {
        const end = ends.shift()!;
        if (end instanceof Error) throw end;
        return end;
      },
    );
    const chosen = settings(await repositoryWith(proofOf()));
    await expect(restoreJob(source, chosen).run(context)).rejects.toThrow(
      'may be between its old state and the new one: the server went away (still away)',
    );
    expect(databases).toHaveLength(2);
    expect(() => refuseUnfinished(chosen.notes, 'shop')).toThrow('never ended');
    databases.push('shop_before_20261101_150000');
    const choice = { now: new Date('2027-01-01T00:00:00Z'), all: true };
    expect(await dropKept(source, chosen.notes, choice, context.signal)).toEqual({
      dropped: [],
      failures: [],
    });
    await expect(restoreJob(source, chosen).run(context)).rejects.toThrow('still away');
    expect(databases).toHaveLength(3);
    expect(done.filter((what) => what === 'drop')).toEqual([]);
    expect(await settleUnfinishedSwap(source, chosen.notes, context.signal)).toBe('undone');
    expect(() => refuseUnfinished(chosen.notes, 'shop')).not.toThrow();
  });

  test('an older one whose week is over cannot be dropped → the restore goes on, warns, and it stays noted', async () => {
    const { source, databases } = sourceThatFinds(proofOf());
    const chosen = settings(await repositoryWith(proofOf()));
    const old = 'shop_before_20261001_150000';
    rememberKept(chosen.notes, 'shop', { name: old, at: '2026-10-01T15:00:00.000Z' });
    databases.push(old);
    const dropDatabase = (name: string) => Promise.reject(new Error(`somebody sits in ${name}`));
    const { warnings, reason } = await restoreJob({ ...source, dropDatabase }, chosen).run(context);
    expect(warnings).toEqual([
      `what a restore of shop replaced a week ago is not dropped: somebody sits in ${old}`,
    ]);
    expect(reason).toMatch(/equal to the source/);
    expect(keptDatabases(chosen.notes, 'shop').map(({ name }) => name)).toContain(old);
  });

  test('what was there was not whole, and the swap is undone → it is still not whole', async () => {
    const { source } = sourceThatFinds(proofOf(), () => Promise.reject(new Error('somebody stays')));
    const chosen = settings(await repositoryWith(proofOf()));
    markUnfinished(chosen.notes, 'shop', { snapshot: 'cccccccc', at: '2026-10-31T00:00:00.000Z' });
    await expect(restoreJob(source, chosen).run(context)).rejects.toThrow('somebody stays');
    expect(() => refuseUnfinished(chosen.notes, 'shop')).toThrow('rest of a restore of cccccccc');
  });
});
