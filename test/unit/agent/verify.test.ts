import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { verifyJob, type VerifySettings } from '../../../agent/jobs/verify/verify.ts';
import { markUnfinished } from '../../../agent/jobs/restore/unfinished-restore.ts';
import { scratchPrefix } from '../../../agent/jobs/verify/scratch.ts';
import { createBudget, oldestFirst } from '../../../agent/jobs/verify/verify-turn.ts';
import type { Run } from '../../../agent/ledger/ledger.ts';
import type { Proof } from '../../../agent/proof/proof.ts';
import type { Source } from '../../../agent/sources/source.ts';
import {
  fakeServer,
  placeOf,
  quiet,
  repositoryWith,
  verifySettings,
} from '../../helpers/fake-verification.ts';
import { proofOf, tableProof } from '../../helpers/proofs.ts';
import { streamOf } from '../../helpers/sources.ts';

/** How a verification ends, and what it leaves on the server. */
async function verified(
  proof: Proof | null,
  { on = {}, ...settings }: Partial<VerifySettings> & { on?: Partial<Source> } = {},
) {
  const { server, databases, done } = fakeServer(on);
  databases.add('holdfast_scratch_of_somebody_else');
  const run = verifyJob(server, verifySettings(await repositoryWith(proof), server, settings)).run(quiet);
  const ended = await run.catch((error: unknown) => error);
  return { ended, databases, done };
}

const refused = () =>
  Promise.reject(new HoldfastError('rights_missing', 'no CREATEDB', { hint: 'GRANT it.' }));
const kept = (verdict: string, more: object = {}) => ({
  facts: { verification: expect.objectContaining({ verdict, ...more }) as unknown },
});

describe('a snapshot that came back', () => {
  test('equal to its proof → proved, each step timed, the scratch dropped', async () => {
    const { ended, databases, done } = await verified(proofOf());
    expect(done).toEqual(['restored dump', 'analyzed', 'proved', 'examined']);
    expect([...databases]).toEqual(['shop', 'holdfast_scratch_of_somebody_else']);
    expect(ended).toMatchObject({
      reason: expect.stringMatching(
        /^restored dddddddd of 2026-11-21T03:00:04Z into scratch in .* s: 2 tables, 5 rows and 4 objects equal to the source; proved$/,
      ) as string,
      warnings: [],
      ...kept('proved', { why: null, restoreSeconds: expect.any(Number) as number }),
    });
    const { facts } = ended as Awaited<ReturnType<ReturnType<typeof verifyJob>['run']>>;
    expect(facts.verification?.steps.map(({ step, result }) => [step, result])).toEqual([
      ['fetch', 'passed'],
      ['restore', 'passed'],
      ['analyze', 'passed'],
      ['compare', 'passed'],
      ['examine', 'passed'],
    ]);
  });

  test('and its proof, and the last good one → are found in one look at the repository', async () => {
    const repository = await repositoryWith(proofOf());
    const asked: unknown[] = [];
    const seen: typeof repository = {
      ...repository,
      list: (filter, signal) => {
        asked.push(filter);
        return repository.list(filter, signal);
      },
    };
    const newestGood = () => 'd'.repeat(64);
    const { ended } = await verified(proofOf(), { repository: seen, newestGood });
    expect(ended).toMatchObject(kept('proved'));
    expect(asked).toEqual([{}]);
  });

  test.each<[string, Proof | null, Partial<VerifySettings> & { on?: Partial<Source> }, RegExp]>([
    ['without a proof', null, {}, /the repository holds no proof of dddddddd$/],
    [
      'without a proof, and the ledger knows why',
      null,
      { whyNoProof: () => 'the session died' },
      /no proof of dddddddd \(the session died\)$/,
    ],
    [
      'with a proof of another moment',
      proofOf({ unproven: 'the lock was not to be had' }),
      {},
      /the lock was not to be had$/,
    ],
    [
      'hashed by another method',
      proofOf(),
      { on: { prove: () => Promise.resolve(proofOf({ method: 'test-2' })) } },
      /hashed by another method now, test-2$/,
    ],
    [
      'defined in the words of another release',
      proofOf(),
      {
        on: {
          prove: () =>
            Promise.resolve(
              proofOf({
                serverVersion: '18.1',
                objects: proofOf().objects.map((object) => ({ ...object, hash: 'in other words' })),
              }),
            ),
        },
      },
      /the definition of table orders, .* PostgreSQL 18\.1 and PostgreSQL 15\.18 may write the same definition in other words$/,
    ],
    [
      'a table that was only counted',
      proofOf({ tables: [tableProof('orders', { checksum: null }), proofOf().tables[1]!] }),
      {},
      /the rows of orders were counted and not compared$/,
    ],
  ])('%s → restored, and a warning says why it is not proved', async (_, proof, how, why) => {
    const { ended } = await verified(proof, how);
    expect(ended).toMatchObject(kept('restored', { why: expect.stringMatching(why) as unknown }));
    expect((ended as { warnings: string[] }).warnings).toEqual([
      expect.stringMatching(new RegExp(`^restored, and not proven equal: .*${why.source}`)),
    ]);
    expect((ended as { reason: string }).reason).toMatch(/; not proven: /);
    expect((ended as { reason: string }).reason).not.toMatch(/proved/);
  });

  test('without a proof that nobody wanted → restored, not proved, and no warning', async () => {
    const { ended } = await verified(null, { wantsProof: false });
    expect(ended).toMatchObject({ warnings: [], ...kept('restored') });
  });

  test('by numbers of rows alone, as the configuration wants it → restored, not proved, and no warning', async () => {
    const counts = proofOf({ level: 'counts', tables: [tableProof('orders', { checksum: null })] });
    const { ended } = await verified(counts, { on: { prove: () => Promise.resolve(counts) } });
    expect(ended).toMatchObject({ warnings: [], ...kept('restored') });
    expect((ended as { reason: string }).reason).toMatch(
      /by row counts alone; not proven: rows were counted/,
    );
  });

  test('slower than the objective → a warning with both times', async () => {
    const { ended } = await verified(proofOf(), { rtoSeconds: -1 });
    expect(ended).toMatchObject({
      warnings: [expect.stringMatching(/^the restore took .* longer than the objective/)],
    });
  });

  test('and the scratch cannot be dropped → proved all the same, and a warning names what is left', async () => {
    const dropDatabase = () => Promise.reject(new HoldfastError('failed', 'somebody is connected to it'));
    const { ended, databases } = await verified(proofOf(), { on: { dropDatabase } });
    const scratch = [...databases].at(-1);
    expect(scratch).toMatch(/^holdfast_scratch_.*_dddddddd$/);
    expect(ended).toMatchObject({
      warnings: [
        `the scratch database ${scratch} could not be dropped: somebody is connected to it; the next verification drops it`,
      ],
      ...kept('proved', { restoreSeconds: expect.any(Number) as number }),
    });
  });

  test('and amcheck could not be made → said, and proved all the same', async () => {
    const examine = () => Promise.resolve({ kind: 'not run', why: 'amcheck cannot be made: no' } as const);
    const { ended } = await verified(proofOf(), { on: { examine } });
    expect(ended).toMatchObject({
      reason: expect.stringMatching(/; proved; examine not run: amcheck cannot be made: no$/) as string,
      ...kept('proved'),
    });
  });
});

describe('a snapshot that did not come back as it was → failed, the scratch dropped', () => {
  const other = proofOf({ tables: [tableProof('orders', { rows: 2 }), proofOf().tables[1]!] });
  test.each<[string, Partial<VerifySettings> & { on?: Partial<Source> }, RegExp]>([
    [
      'a lost row',
      { on: { prove: () => Promise.resolve(other) } },
      /did not come back as it was: table orders has 2 rows, expected 3$/,
    ],
    [
      'a damaged index',
      { on: { examine: () => Promise.resolve({ kind: 'damaged', findings: ['index a: wrong order'] }) } },
      /: index a: wrong order$/,
    ],
    [
      'a query that gives another value',
      { queries: [{ sql: 'SELECT  count(*)\nFROM orders', value: '4' }] },
      /: the query "SELECT count\(\*\) FROM orders" gave 3, expected 4$/,
    ],
    [
      'a query with too few rows',
      { queries: [{ sql: 'SELECT 1', rows: { min: 2, max: null } }] },
      /gave 1 row, expected 2 or more$/,
    ],
    [
      'a query that the server refuses',
      {
        queries: [{ sql: 'SELECT x', value: null }],
        on: { ask: () => Promise.reject(new Error('no column x')) },
      },
      /the query "SELECT x" failed: no column x$/,
    ],
  ])('%s', async (_, how, message) => {
    const { ended, databases } = await verified(proofOf(), how);
    expect(ended).toMatchObject({
      kind: 'verification_failed',
      result: 'failed',
      message: expect.stringMatching(message) as string,
      hint: expect.stringContaining('holdfast snapshots shop') as string,
      ...kept('failed', { restoreSeconds: expect.any(Number) as number }),
    });
    expect([...databases]).toEqual(['shop', 'holdfast_scratch_of_somebody_else']);
  });

  test('the restore fails → its own error, with the step that failed', async () => {
    const restoreInto = () => Promise.reject(new HoldfastError('restore_failed', 'line 7: no such type'));
    const { ended, databases } = await verified(proofOf(), { on: { restoreInto } });
    expect(ended).toMatchObject({ kind: 'restore_failed', result: 'failed', ...kept('failed') });
    expect(databases.size).toBe(2);
  });
});

describe('the last good backup, by the ledger', () => {
  test('is missing from the repository → failed, and no older one passes for it', async () => {
    const { ended, done } = await verified(proofOf(), { newestGood: () => 'e'.repeat(64) });
    expect(ended).toMatchObject({
      kind: 'snapshot_absent',
      message:
        'the last good backup of shop, eeeeeeee, is missing from the repository; the newest left is of 2026-11-21T03:00:04Z',
      hint: expect.stringContaining('holdfast backup shop') as string,
    });
    expect(done).toEqual([]);
  });

  test('is the newest → proved', async () => {
    const { ended } = await verified(proofOf(), { newestGood: () => 'd'.repeat(64) });
    expect(ended).toMatchObject(kept('proved'));
  });
});

describe('a later dump under the same names that this agent did not store', () => {
  const ours = 'd'.repeat(64);
  const stored = (facts: Run['facts'], startedAt = '2026-11-21T03:00:00Z') =>
    ({ job: 'backup', source: 'shop', result: 'succeeded', startedAt, facts }) as Run;
  async function besideStranger(newestGood: string | null, ...runs: Run[]) {
    const repository = await repositoryWith(proofOf());
    const withStranger: typeof repository = {
      ...repository,
      read: (snapshot, signal) =>
        snapshot.shortId === 'eeeeeeee'
          ? { stream: streamOf('dump'), done: Promise.resolve() }
          : repository.read(snapshot, signal),
      list: async (filter, signal) => {
        const all = await repository.list(filter, signal);
        const dump = all.find(({ id }) => id === ours)!;
        const id = 'e'.repeat(64);
        const stranger = {
          ...dump,
          id,
          originalId: id,
          shortId: 'eeeeeeee',
          time: '2026-11-21T04:00:00.000Z',
        };
        return [...all, stranger];
      },
    };
    const ledger = { recent: ({ job }: { job?: string }) => (job === 'backup' ? runs : []) };
    return verified(null, { repository: withStranger, ledger, newestGood: () => newestGood });
  }

  test('the ledger knows a good one → that one is verified, and the stranger is named', async () => {
    const { ended } = await besideStranger(ours, stored({ snapshotId: ours }));
    expect(ended).toMatchObject({
      reason: expect.stringMatching(/^restored dddddddd of .*; proved$/) as string,
      warnings: [
        '1 dump is in the repository under the names holdfast and shop that this agent did not store (the newest: eeeeeeee of 2026-11-21T04:00:00Z): if another server is called so too, give each a HOLDFAST_HOST of its own; verified is dddddddd, the newest that it did store',
      ],
      facts: { snapshotId: ours },
    });
  });

  test('the ledger is lost → the newest is verified, as ever', async () => {
    const { ended } = await besideStranger(null);
    expect(ended).toMatchObject({
      ...kept('restored'),
      warnings: [expect.stringMatching(/no proof of eeeeeeee$/)],
    });
  });
});

describe('a verification that could not be tried → skipped with the reason, never a success', () => {
  const unlike = (engine: string, serverVersion: string) => ({
    on: { probe: () => Promise.resolve({ engine, serverVersion, tables: 0 }) } as unknown as Partial<Source>,
  });
  const restoring = (message: string) => ({
    on: { restoreInto: () => Promise.reject(new HoldfastError('restore_failed', message)) },
  });
  test.each<[string, Partial<VerifySettings> & { on?: Partial<Source> }, RegExp]>([
    ['no right to make a database', { on: { createDatabase: refused } }, /^not verified: no CREATEDB$/],
    ['the server is away', { on: { probe: refused } }, /^not verified: /],
    [
      'the scratch server is another engine',
      unlike('mariadb', '10.11'),
      /of postgres, and the scratch server is mariadb$/,
    ],
    [
      'the scratch server is older',
      unlike('postgres', '14.2'),
      /of version 15.18, and the scratch server has 14.2$/,
    ],
    [
      'an extension is missing',
      restoring('extension "postgis" is not available'),
      /lacks what the dump needs: extension "postgis"/,
    ],
    ['the disk is full', restoring('could not extend file "base/1": No space left on device'), /had no room/],
    [
      'a collation is missing',
      restoring('collation "public.german" for encoding "UTF8" does not exist'),
      /lacks what the dump needs: collation "public.german"/,
    ],
    ['a role is missing', restoring('role "tenant_7" does not exist'), /lacks what .*: role "tenant_7"/],
    ['a right is missing', restoring('permission denied to create event trigger'), /lacks what/],
    ['memory is short', restoring('out of shared memory'), /no memory for it: out of shared memory$/],
    [
      'MariaDB ended the connection',
      restoring('loading failed (exit code 1): ERROR 1927 (70100) at line 7: Connection was killed'),
      /the connection to the scratch server was lost: loading failed/,
    ],
    [
      'PostgreSQL ended the connection',
      restoring('loading failed: FATAL: terminating connection due to administrator command'),
      /the connection to the scratch server was lost: /,
    ],
    [
      'the server went while rows were compared',
      { on: { prove: () => Promise.reject(new HoldfastError('source_unreachable', 'it has gone')) } },
      /the connection to the scratch server was lost: it has gone$/,
    ],
    ['a database beside it is missing', restoring("Table 'crm.users' doesn't exist"), /lacks what/],
    ['its time is over', { outOfTime: () => 'those before it took too long' }, /took too long$/],
  ])('%s', async (_, how, message) => {
    const { ended, databases } = await verified(proofOf(), how);
    expect(ended).toMatchObject({
      result: 'skipped',
      message: expect.stringMatching(message) as string,
      ...kept('not run', { restoreSeconds: null }),
    });
    expect(databases.size).toBe(2);
  });
});

test('a swap was cut off and is not settled → not run, and nothing that it takes to settle it is swept', async () => {
  const { server, databases } = fakeServer();
  const settings = verifySettings(await repositoryWith(proofOf()), server);
  const fresh = `${scratchPrefix(settings.host, 'shop')}restore`;
  databases.add(fresh);
  const at = '2026-11-21T04:00:00.000Z';
  markUnfinished(settings.notes, 'shop', {
    snapshot: 'dddddddd',
    at,
    swap: { fresh, keep: 'shop_before', details: '{}' },
  });
  const ended: unknown = await verifyJob(server, settings)
    .run(quiet)
    .catch((error: unknown) => error);
  expect(ended).toMatchObject({ result: 'skipped', ...kept('not run') });
  expect(databases).toContain(fresh);
});

describe('a scratch server that is there anyway', () => {
  const lost = 'ERROR 2013 (HY000) at line 7: Lost connection to server during query';
  const packet = new HoldfastError('restore_failed', lost, { hint: 'Raise max_allowed_packet there.' });
  const different = { prove: () => Promise.resolve(proofOf({ tables: [] })) };
  /** How a verification ends there, and whether it answers a moment later. */
  async function onStanding(on: Partial<Source>, isAway: boolean) {
    const { server } = fakeServer(on);
    const trouble = () => Promise.resolve(isAway ? 'the scratch server does not answer any more' : null);
    const scratch = placeOf({ server, own: false, trouble });
    const settings = verifySettings(await repositoryWith(proofOf()), server, { scratch });
    return verifyJob(server, settings)
      .run(quiet)
      .catch((error: unknown) => error);
  }

  test.each([
    packet,
    new HoldfastError('restore_failed', 'error: server closed the connection unexpectedly'),
  ])(
    'ends the connection without a word of why, and answers → failed, with the hint of the load: %s',
    async (why) => {
      const restoreInto = () => Promise.reject(why);
      expect(await onStanding({ restoreInto }, false)).toMatchObject({
        ...{ result: 'failed', kind: 'restore_failed', message: why.message, hint: why.hint },
        ...kept('failed'),
      });
    },
  );

  test('ends the connection and is away → not run, with the hint of the load', async () => {
    const restoreInto = () => Promise.reject(packet);
    expect(await onStanding({ restoreInto }, true)).toMatchObject({
      ...{ result: 'skipped', message: 'not verified: the scratch server does not answer any more' },
      ...{ hint: 'Raise max_allowed_packet there.', ...kept('not run') },
    });
  });

  test('refuses a statement, and is away a moment later → failed', async () => {
    const restoreInto = () => Promise.reject(new HoldfastError('restore_failed', 'line 7: no such type'));
    expect(await onStanding({ restoreInto }, true)).toMatchObject({ result: 'failed', ...kept('failed') });
  });

  test('shows a difference and goes then → failed with the difference', async () => {
    expect(await onStanding(different, true)).toMatchObject({
      ...{ result: 'failed', kind: 'verification_failed', ...kept('failed') },
    });
  });

  test('shows a difference and goes while it is examined → failed with both', async () => {
    const examine = () => Promise.reject(new HoldfastError('source_unreachable', 'it has gone'));
    expect(await onStanding({ ...different, examine }, true)).toMatchObject({
      result: 'failed',
      message: expect.stringMatching(
        /did not come back as it was: .*; examine failed: it has gone$/,
      ) as string,
      ...kept('failed'),
    });
  });
});

describe('a server that is started for it', () => {
  /** How a verification ends on such a server, and how often that was closed. */
  async function onThrowaway(how: { trouble?: string; on?: Partial<Source> } = {}) {
    const { server } = fakeServer(how.on);
    let closed = 0;
    const close = async () => void (closed += 1);
    const trouble = () => Promise.resolve(how.trouble ?? null);
    const scratch = placeOf({ server, own: false, called: 'a throw-away PostgreSQL 15.18', trouble, close });
    const settings = verifySettings(await repositoryWith(proofOf()), server, { scratch });
    const ended = await verifyJob(server, settings)
      .run(quiet)
      .catch((error: unknown) => error);
    return { ended, closed };
  }

  test('all is well → the report names it, and it is closed', async () => {
    const { ended, closed } = await onThrowaway();
    expect((ended as { reason: string }).reason).toMatch(
      /into scratch on a throw-away PostgreSQL 15\.18 in .* s: .*; proved$/,
    );
    expect(closed).toBe(1);
  });

  test.each<[string, Partial<Source>]>([
    ['while something fails', { analyze: () => Promise.reject(new Error('connection lost')) }],
    ['and what was found cannot be believed', {}],
    ['and a table seems to be gone', { prove: () => Promise.resolve(proofOf({ tables: [] })) }],
  ])('it falls over %s → not run, never proved or failed, and it is closed', async (_, on) => {
    const { ended, closed } = await onThrowaway({ on, trouble: 'it ended by itself' });
    expect(ended).toMatchObject({
      result: 'skipped',
      message: 'not verified: it ended by itself',
      ...kept('not run'),
    });
    expect(closed).toBe(1);
  });

  test('what came back differs → failed, and it is closed', async () => {
    const on = { prove: () => Promise.resolve(proofOf({ tables: [] })) };
    const { ended, closed } = await onThrowaway({ on });
    expect(ended).toMatchObject({ result: 'failed', kind: 'verification_failed' });
    expect(closed).toBe(1);
  });

  test('it cannot be had → not run, with the reason and what to do', async () => {
    const { server } = fakeServer();
    const why = new HoldfastError('tool_missing', 'none is installed', { hint: 'Install it.' });
    const scratch = { open: () => Promise.reject(why) };
    const settings = verifySettings(await repositoryWith(proofOf()), server, { scratch });
    await expect(verifyJob(server, settings).run(quiet)).rejects.toMatchObject({
      ...{ result: 'skipped', kind: 'tool_missing', message: 'not verified: none is installed' },
      ...{ hint: 'Install it.', ...kept('not run') },
    });
  });

  test('it is told what it has to hold → engine and version by the proof, bytes by the ledger', async () => {
    const { server } = fakeServer();
    const needs: object[] = [];
    const scratch = {
      open: (need: object) => {
        needs.push(need);
        return Promise.reject(new Error('enough'));
      },
    };
    const dumpBytes = () => 4711;
    const objects = [...proofOf().objects, { kind: 'extension', name: 'citext', hash: 'a'.repeat(64) }];
    for (const proof of [proofOf({ serverVersion: '15.18', objects }), null]) {
      const settings = verifySettings(await repositoryWith(proof), server, { scratch, dumpBytes });
      await verifyJob(server, settings)
        .run(quiet)
        .catch(() => undefined);
    }
    expect(needs).toEqual([
      { engine: 'postgres', serverVersion: '15.18', extensions: ['citext'], dumpBytes: 4711 },
      { engine: 'postgres', serverVersion: null, extensions: null, dumpBytes: 4711 },
    ]);
  });
});

describe('whose turn it is', () => {
  const runs = (of: Record<string, [id: number, result: Run['result']][]>) => ({
    recent: ({ source = '' }) => (of[source] ?? []).map(([id, result]) => ({ id, result }) as Run),
  });
  const names = (ledger: Parameters<typeof oldestFirst>[1]) =>
    oldestFirst([{ name: 'a' }, { name: 'b' }, { name: 'c' }], ledger).map(({ name }) => name);

  test('the one that was never verified, then the oldest; one that was only skipped keeps its turn', () => {
    const ledger = runs({
      a: [[9, 'succeeded']],
      b: [
        [10, 'skipped'],
        [3, 'failed'],
      ],
    });
    expect(names(ledger)).toEqual(['c', 'b', 'a']);
  });

  test('the time is over → the next ones are told so, and the first never', () => {
    let now = 0;
    const budget = createBudget(60, () => now);
    expect(budget()).toBeNull();
    now = 59_999;
    expect(budget()).toBeNull();
    now = 60_000;
    expect(budget()).toMatch(/took longer than the 60 s that all have together/);
  });
});
