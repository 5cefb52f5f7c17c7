import { expect, test } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { recoverLeftovers } from '../../../agent/recovery.ts';
import type { Repository, Snapshot } from '../../../agent/repository/repository.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const HOURS = 3_600_000;

/** A ledger that knows no good run, and a repository that holds snapshots of these times. */
function leftovers(
  times: string[],
  familiar = 'id',
  locksLeft: number[] = [],
  strangersIn: (source: string, snapshots: Snapshot[]) => Snapshot[] = () => [],
) {
  const clock = new TestClock('2026-03-01T12:00:00Z');
  const ledger = openLedger(':memory:', clock);
  let snapshots = times.map((time, i) => ({ id: `id${i}`, time }) as Snapshot);
  let locksAskedFor = 0;
  const told: string[] = [];
  const repository = {
    reach: async () => 'id',
    list: async () => snapshots,
    remove: async (ids: string[]) => void (snapshots = snapshots.filter(({ id }) => !ids.includes(id))),
    clearDeadLocks: async () => {
      locksAskedFor += 1;
      return { removed: 0, left: locksLeft.shift() ?? 0 };
    },
  } as unknown as Repository;
  const recover = async () => {
    const interrupted = ledger.interruptLeftovers('the agent died while it ran');
    const isFamiliar = (id: string) => id === familiar;
    const tell = (finding: string) => void told.push(finding);
    const deps = { repository, ledger, isFamiliar, strangersIn, runtimeDir: temporaryFolder(), tell };
    await recoverLeftovers(
      interrupted,
      { ...deps, backupTimeoutMs: 6 * HOURS, lockPauseMs: 1 },
      new AbortController().signal,
    );
    return { times: snapshots.map(({ time }) => time), locksAskedFor, told };
  };
  return { ledger, recover, clock };
}

test('a backup was killed after restic had stored it → what nobody confirmed is removed', async () => {
  const { ledger, recover } = leftovers(['2026-02-28T12:00:00.000Z', '2026-03-01T12:00:05.000Z']);
  const first = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(first, { result: 'succeeded', reason: 'good', facts: { snapshotIds: ['id0'] } });
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  expect((await recover()).times).toEqual(['2026-02-28T12:00:00.000Z']);
});

test('the first one was killed after restic had stored it → it is removed', async () => {
  const { ledger, recover } = leftovers(['2026-03-01T12:00:05.000Z']);
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  expect((await recover()).times).toEqual([]);
});

test('a new agent that has stored nothing yet beside a server that stores under the same names → all that is there may be the other’s, and stays', async () => {
  const times = ['2026-02-28T12:00:00.000Z', '2026-03-01T12:00:05.000Z'];
  const { ledger, recover } = leftovers(times);
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  const { times: left, told } = await recover();
  expect(left).toEqual(times);
  expect(told.at(-1)).toMatch(/left 1 snapshot of shop .*: this agent has stored nothing here yet/);
});

test('the first two were killed, and nothing was looked for in between → what both left is removed', async () => {
  const { ledger, recover } = leftovers(['2026-03-01T12:00:05.000Z', '2026-03-01T12:00:06.000Z']);
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  expect((await recover()).times).toEqual([]);
});

test('the clock was put back while a backup failed → what it left is removed, whatever its end says', async () => {
  const { ledger, recover, clock } = leftovers(['2026-03-01T12:00:05.000Z']);
  const run = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  clock.advance(-6 * 3600);
  ledger.finish(run, { result: 'failed', reason: 'restic ended' });
  expect((await recover()).times).toEqual([]);
});

test('a backup failed, and somebody stored after its end → that is not its own, and stays; what it left goes', async () => {
  const times = ['2026-02-28T12:00:00.000Z', '2026-03-01T12:00:00.500Z', '2026-03-01T12:05:00.000Z'];
  const { ledger, recover } = leftovers(times);
  const first = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(first, { result: 'succeeded', reason: 'good', facts: { snapshotIds: ['id0'] } });
  const run = ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  ledger.finish(run, { result: 'failed', reason: 'the database is empty' });
  expect((await recover()).times).toEqual([times[0], times[2]]);
});

test('another server stores under the same names → nothing is removed, for it may be the other’s, and that is told', async () => {
  const times = ['2026-02-28T12:00:00.000Z', '2026-03-01T12:00:05.000Z'];
  const { ledger, recover } = leftovers(times, 'id', [], (_, snapshots) => snapshots.slice(0, 1));
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  const { times: left, told } = await recover();
  expect(left).toEqual(times);
  expect(told.at(-1)).toMatch(/left 1 snapshot of shop .*another server stores under the same names/);
});

test('the location leads to a repository that is not ours → nothing is removed there', async () => {
  const { ledger, recover } = leftovers(['2026-03-01T12:00:05.000Z'], 'another');
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  expect(await recover()).toMatchObject({ times: ['2026-03-01T12:00:05.000Z'], locksAskedFor: 0 });
});

test('a new ledger, and a backup killed while the clock was months behind → the snapshots since then stay', async () => {
  const old = ['2026-05-01T12:00:00.000Z', '2026-06-01T12:00:00.000Z'];
  const { ledger, recover } = leftovers(old);
  ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
  expect((await recover()).times).toEqual(old);
});

test('a retention was killed → its lock is looked for: it would keep a restore out', async () => {
  const { ledger, recover } = leftovers([]);
  ledger.begin({ job: 'retention', source: null, trigger: 'schedule' });
  expect((await recover()).locksAskedFor).toBe(1);
});

test('somebody reads the repository while the dead lock is looked for → tried again until it is gone, and not after', async () => {
  const { ledger, recover } = leftovers([], 'id', [1, 1]);
  ledger.begin({ job: 'retention', source: null, trigger: 'schedule' });
  expect((await recover()).locksAskedFor).toBe(3);
  expect((await recover()).locksAskedFor).toBe(3);
});

test('a dead lock cannot be removed for long → looked for again before the next run', async () => {
  const { ledger, recover } = leftovers([], 'id', [1, 1, 1, 1]);
  ledger.begin({ job: 'retention', source: null, trigger: 'schedule' });
  expect((await recover()).locksAskedFor).toBe(4);
  expect((await recover()).locksAskedFor).toBe(5);
});

test('nothing was interrupted → the repository is left alone', async () => {
  expect((await leftovers([]).recover()).locksAskedFor).toBe(0);
});

test('a backup of tenants failed for some → what it confirmed of the others stays, the rest is removed', async () => {
  const { ledger, recover } = leftovers(['2026-03-01T12:00:00.100Z', '2026-03-01T12:00:00.200Z']);
  const run = ledger.begin({ job: 'tenant-backup', source: 'clinic', trigger: 'schedule' });
  ledger.finish(run, { result: 'failed', reason: '1 of 2 tenants failed', facts: { snapshotIds: ['id0'] } });
  expect((await recover()).times).toEqual(['2026-03-01T12:00:00.100Z']);
});
