import { expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { EndedRun } from '../../../agent/jobs/job.ts';
import { verifyTenantsJob, type TenantVerifySettings } from '../../../agent/jobs/verify/verify-tenants.ts';
import type { Proof } from '../../../agent/proof/proof.ts';
import type { SchemaLoaded, Source } from '../../../agent/sources/source.ts';
import type { Tenant, Tenants } from '../../../agent/sources/tenants.ts';
import {
  fakeServer,
  placeOf,
  quiet,
  repositoryWith,
  verifySettings,
} from '../../helpers/fake-verification.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';

const tenant = (id: string, bytes = 1): Tenant => ({
  ...{ id, schema: `t_${id}`, active: true, group: null },
  bytes,
});
const table = (id: string, rows = 3) => tableProof(`t_${id}.orders`, { rows });
const schemaOf = (id: string) => objectProof('schema', `t_${id}`);
const PROOF = proofOf({
  tables: ['1', '2', '3'].map((id) => table(id)),
  objects: ['1', '2', '3'].map(schemaOf),
  counters: [],
});

const readOf = (schema: string, rows = 3) =>
  proofOf({ tables: [table(schema.slice(2), rows)], objects: [schemaOf(schema.slice(2))], counters: [] });

interface Case {
  refused?: Record<string, HoldfastError>;
  read?: (schema: string) => Proof;
  loads?: () => void;
  more?: Partial<TenantVerifySettings>;
  all?: Tenant[];
  signal?: AbortSignal;
  on?: Partial<Source>;
  /** Why the server does not answer any more, once it is asked. */
  trouble?: string;
  /** A server that is started for it. */
  called?: string;
}

/** A job on a server that restores what it is given; what it was asked to load, pass by pass. */
async function verifying(given: Case) {
  const { refused = {}, read, loads, more = {}, all, signal, on = {}, trouble = null, called = null } = given;
  const passes: string[][] = [];
  const schemas: Source['schemas'] = {
    load: async (_, names, dump) => {
      passes.push(names);
      loads?.();
      for await (const chunk of dump) expect(chunk.length).toBeGreaterThan(0);
      const loaded = (name: string): [string, SchemaLoaded] => [
        name,
        { error: refused[name] ?? null, seconds: 1 },
      ];
      return new Map(names.map(loaded));
    },
    prove: (_, schema) => Promise.resolve(read?.(schema) ?? readOf(schema)),
  };
  const { server, databases } = fakeServer({ schemas, ...on });
  const repository = await repositoryWith(PROOF);
  const there = all ?? [tenant('1'), tenant('2'), tenant('3')];
  const tenants = {
    find: () => Promise.resolve({ tenants: there, findings: [] }),
    lookUp: (id: string) => Promise.resolve(there.find((one) => one.id === id) ?? tenant(id)),
    schemasIn: () => Promise.resolve(['t_1', 't_2', 't_3', 'public']),
  } as unknown as Tenants;
  const job = verifyTenantsJob(server, {
    ...verifySettings(repository, server),
    scratch: placeOf({ server, called, trouble: () => Promise.resolve(trouble) }),
    ...{ tenants, ids: null, unlimited: true, inTurn: (some) => some },
    ...more,
  });
  const context = signal === undefined ? quiet : { ...quiet, signal };
  const ended = await job.run(context).catch((error: unknown) => error);
  return { ended, passes, databases: [...databases] };
}

const verdicts = ({ facts }: { facts?: object }) =>
  (facts as { verifiedTenants: { id: string; verdict: string; why: string | null }[] }).verifiedTenants.map(
    ({ id, verdict, why }) => [id, verdict, why],
  );

test('three tenants → one pass over the dump, each proved by itself, the scratch dropped', async () => {
  const { ended, passes, databases } = await verifying({});
  expect(ended).toMatchObject({
    reason: expect.stringMatching(/^proved 3 tenants out of dddddddd of .*: 3 tables, 9 rows$/) as unknown,
    warnings: [],
    facts: { byTurns: true, tables: 3, rows: 9, tenantsLeft: [] },
  });
  expect(passes).toEqual([['t_1', 't_2', 't_3']]);
  expect(databases).toEqual(['shop']);
});

test('the scratch cannot be dropped → each is proved all the same, and a warning names what is left', async () => {
  const dropDatabase = () => Promise.reject(new HoldfastError('failed', 'somebody is connected to it'));
  const { ended } = await verifying({ on: { dropDatabase } });
  expect(verdicts(ended as object).map(([, verdict]) => verdict)).toEqual(['proved', 'proved', 'proved']);
  expect((ended as { warnings: string[] }).warnings).toEqual([
    expect.stringMatching(
      /^the scratch database holdfast_scratch_.* could not be dropped: somebody is connected to it; the next verification drops it$/,
    ),
  ]);
});

test('one that the server refuses, one that lacks rows → a failure that names both, the third is proved; the scratch is dropped', async () => {
  const { ended, databases } = await verifying({
    refused: { t_1: new HoldfastError('restore_failed', 'cannot restore index t_1.a: duplicate key') },
    read: (schema) => readOf(schema, schema === 't_2' ? 2 : 3),
  });
  expect(ended).toBeInstanceOf(EndedRun);
  expect(ended).toMatchObject({
    result: 'failed',
    kind: 'verification_failed',
    message: expect.stringMatching(
      /^2 of 3 tenants did not come back .*tenant 1: cannot restore .*; tenant 2: .*rows/,
    ) as unknown,
    hint: expect.stringContaining('--tenant 1,2') as unknown,
  });
  expect(verdicts(ended as EndedRun).map(([id, verdict]) => [id, verdict])).toEqual([
    ['1', 'failed'],
    ['2', 'failed'],
    ['3', 'proved'],
  ]);
  expect(databases).toEqual(['shop']);
});

test('what shows nothing of a tenant → it was not run, with the reason, and what is missing of its own is a failure', async () => {
  const refusal = (message: string, kind: 'restore_failed' | 'rights_missing' = 'restore_failed') =>
    new HoldfastError(kind, message);
  const { ended } = await verifying({
    refused: {
      t_1: refusal('cannot restore extension citext: permission denied', 'rights_missing'),
      t_2: refusal('cannot restore table data t_2.odd: relation "public.log" does not exist'),
      t_3: refusal('cannot restore view t_3.v: relation "t_3.orders" does not exist'),
    },
  });
  expect(verdicts(ended as EndedRun)).toEqual([
    ['1', 'not run', expect.stringContaining('the scratch server lacks')],
    ['2', 'not run', expect.stringContaining('the whole database alone')],
    ['3', 'failed', expect.stringContaining('t_3.orders')],
  ]);
});

test('the time is over after the first pass → the others are left, and said so; a large tenant has a pass of its own', async () => {
  const times = [null, 'not reached in 30 min'];
  const { ended, passes } = await verifying({
    all: [tenant('1'), tenant('2', 2 ** 30), tenant('3')],
    more: { outOfTime: () => times.shift() ?? null },
  });
  expect(passes).toEqual([['t_1']]);
  expect(ended).toMatchObject({
    reason: expect.stringMatching(/proved 1 tenant .*1 tenant left: not reached in 30 min/) as unknown,
    facts: { tenantsLeft: [{ tenants: [{ id: '2' }] }, { tenants: [{ id: '3' }] }] },
  });
});

test('told to stop in the second pass → what was proved stays', async () => {
  const controller = new AbortController();
  let loads = 0;
  const { ended, databases } = await verifying({
    all: [tenant('1'), tenant('2', 2 ** 30), tenant('3')],
    signal: controller.signal,
    loads: () => {
      if ((loads += 1) < 2) return;
      controller.abort();
      throw new Error('interrupted');
    },
  });
  expect(ended).toMatchObject({ facts: { verifiedTenants: [{ id: '1', verdict: 'proved' }] } });
  expect((ended as { reason: string }).reason).toContain('it was told to stop before');
  expect((ended as { warnings: string[] }).warnings).toEqual([
    'it was told to stop before all were verified',
  ]);
  expect(databases).toEqual(['shop']);
});

test('told to stop behind a tenant that did not come back → a failure that names it, whatever ended the run', async () => {
  const controller = new AbortController();
  const { ended } = await verifying({
    signal: controller.signal,
    read: (schema) => {
      if (schema === 't_2') {
        controller.abort();
        throw new Error('interrupted');
      }
      return readOf(schema, 2);
    },
  });
  expect(ended).toMatchObject({ result: 'failed', kind: 'verification_failed', stands: true });
  expect(verdicts(ended as EndedRun)).toEqual([['1', 'failed', expect.stringContaining('rows') as unknown]]);
});

test('no tenant is in the newest good backup → nothing was shown, and it is no success', async () => {
  const { ended, passes } = await verifying({ all: [tenant('late'), tenant('later')] });
  expect(ended).toMatchObject({
    result: 'skipped',
    message: expect.stringMatching(/no tenant of \S+ is in its newest good backup, dddddddd/) as unknown,
  });
  expect(passes).toEqual([]);
});

test('the repository breaks off, the server falls over, there is no scratch → a failure, and twice not run', async () => {
  const broken = await verifying({
    loads: () => {
      throw new HoldfastError('repository_damaged', 'a pack is gone');
    },
  });
  expect(broken.ended).toMatchObject({ result: 'failed', kind: 'repository_damaged' });
  const { server } = fakeServer();
  const fell = await verifying({
    more: {
      scratch: placeOf({
        server: { ...server, schemas: undefined },
        called: 'a throw-away PostgreSQL 15.18',
        trouble: () => Promise.resolve('it ended by itself'),
      }),
    },
  });
  expect(fell.ended).toMatchObject({
    result: 'skipped',
    message: expect.stringContaining('it ended by itself') as unknown,
  });
  const none = await verifying({
    more: {
      scratch: { open: () => Promise.reject(new HoldfastError('tool_missing', 'no server is installed')) },
    },
  });
  expect(none.ended).toMatchObject({ result: 'skipped', message: 'not verified: no server is installed' });
});

test('a server that was there anyway goes behind a tenant that did not come back → a failure that names it, and the others are left', async () => {
  const gone = 'the scratch server does not answer any more';
  const read = (schema: string) => {
    if (schema === 't_2') throw new HoldfastError('source_unreachable', 'it has gone');
    return readOf(schema, 2);
  };
  const { ended } = await verifying({ read, trouble: gone });
  expect(ended).toMatchObject({ result: 'failed', kind: 'verification_failed' });
  expect(verdicts(ended as EndedRun)).toEqual([['1', 'failed', expect.stringContaining('rows') as unknown]]);
  expect(ended).toMatchObject({
    facts: { tenantsLeft: [{ why: gone, tenants: [{ id: '2' }, { id: '3' }] }] },
  });
  const ours = await verifying({ read, trouble: gone, called: 'a throw-away PostgreSQL 15.18' });
  expect(ours.ended).toMatchObject({ result: 'skipped' });
});

test('a tenant that the backup does not hold → left by turns; named, it is no success', async () => {
  const late = tenant('late');
  const turns = await verifying({ all: [tenant('1'), late] });
  expect((turns.ended as { reason: string }).reason).toContain('1 tenant left: not in dddddddd');
  const named = await verifying({ all: [late], more: { ids: ['late'] } });
  expect(named.ended).toMatchObject({
    result: 'skipped',
    message: expect.stringContaining('does not hold it') as unknown,
  });
  expect(named.passes).toEqual([]);
});

test('verified by a role, or by id → it is no turn, after which others would be gone', async () => {
  for (const more of [{ unlimited: false }, { ids: ['1'] }]) {
    const { ended } = await verifying({ more });
    expect((ended as { facts: object }).facts).not.toHaveProperty('byTurns');
  }
});
