import { describe, expect, test } from 'vitest';
import { acceptJob } from '../../../agent/jobs/backup/accept.ts';
import type { Job } from '../../../agent/jobs/job.ts';
import { guarded, suspicion } from '../../../agent/jobs/backup/size-guard.ts';
import type { RunFacts } from '../../../agent/ledger/ledger.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { heartbeatOf } from '../../../agent/reports/heartbeat.ts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const sized = (...sizes: number[]): RunFacts[] => sizes.map((dumpBytes) => ({ dumpBytes, tables: 4 }));

describe('a dump held against the ones before it', () => {
  test.each<[string, RunFacts, RunFacts[], RegExp | null]>([
    ['the first one → nothing to hold it against', { dumpBytes: 1, tables: 4 }, [], null],
    ['exactly half → fine', { dumpBytes: 50, tables: 4 }, sized(100, 100, 100), null],
    [
      'less than half of the middle one → suspect',
      { dumpBytes: 49, tables: 4 },
      sized(100, 100, 100),
      /49 B, less than half of the usual 100 B \(the middle one of the last 3\)/,
    ],
    ['one that was huge once → no measure', { dumpBytes: 90, tables: 4 }, sized(100, 9_000, 110), null],
    [
      'the eighth and older → no measure',
      { dumpBytes: 40, tables: 4 },
      sized(60, 60, 60, 60, 60, 60, 60, 900, 900, 900, 900, 900, 900, 900, 900),
      null,
    ],
    [
      'a table less → suspect',
      { dumpBytes: 100, tables: 3 },
      sized(100),
      /it has 3 tables, 1 fewer than the last good backup/,
    ],
    ['a table more → fine', { dumpBytes: 100, tables: 5 }, sized(100), null],
  ])('%s', (_, dump, good, expected) => {
    const found = suspicion(dump, good, 'tables');
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatch(expected);
  });

  test('the guard looks at sizes alone, or at nothing → says nothing of tables, or nothing', () => {
    expect(suspicion({ dumpBytes: 100, tables: 3 }, sized(100), 'size')).toBeNull();
    expect(suspicion({ dumpBytes: 1, tables: 3 }, sized(100), 'size')).toMatch(/less than half/);
    expect(suspicion({ dumpBytes: 1, tables: 3 }, sized(100), 'off')).toBeNull();
  });
});

describe('a suspect backup', () => {
  function shop() {
    let now = new Date('2026-03-01T03:00:00Z');
    const ledger = openLedger(':memory:', { now: () => now });
    const run = async (job: Job) => {
      now = new Date(now.getTime() + 3600_000);
      const id = ledger.begin({ job: job.name, source: job.source, trigger: 'command' });
      const outcome = await job.run(context);
      ledger.finish(id, { result: 'succeeded', ...outcome });
      return ledger.get(id)!;
    };
    let stored = 0;
    const backUp = (dumpBytes: number, tableNames?: string[]) => {
      const snapshotId = tableNames === undefined ? `of ${dumpBytes}` : `number ${(stored += 1)}`;
      const facts = { dumpBytes, tables: tableNames?.length ?? 4, snapshotId };
      const outcome = { reason: 'stored', warnings: ['and this'], facts };
      const backup: Job = {
        name: 'backup',
        source: 'shop',
        timeoutMs: 1,
        run: () => Promise.resolve({ ...outcome, ...(tableNames === undefined ? {} : { tableNames }) }),
      };
      const good = () => ledger.comparable('shop', 7);
      return run(guarded(backup, { guard: 'tables', notes: ledger, good }));
    };
    const holding = async (...tableNames: string[]) => (await backUp(1000, tableNames)).facts.suspect ?? null;
    const accept = (reason = 'archived') => run(acceptJob('shop', { ledger, reason, by: 'ada' }));
    const lastOk = () => {
      const schedule = { next: null, everySeconds: null, meansDay: () => false };
      const facts = {
        host: 'h',
        agentVersion: '1',
        timeZone: 'UTC',
        sources: [
          {
            name: 'shop',
            type: 'mysql' as const,
            gates: true,
            proof: 'checksums',
            turns: null,
            objectives: { rpoSeconds: null, rtoSeconds: null },
          },
        ],
        schedule: { backup: schedule, verify: schedule },
        retention: true,
        checkInterval: 6,
        repository: {
          location: '/repository',
          id: null,
          freeBytes: null,
          fullInDays: null,
          allDataReadAt: null,
        },
      };
      return heartbeatOf(ledger, facts, now).lastOk?.toISOString();
    };
    return { backUp, holding, accept, lastOk };
  }

  test('is stored with a warning that says what to type, and the heartbeat does not move', async () => {
    const { backUp, lastOk } = shop();
    await backUp(1000);
    const before = lastOk();
    const { result, warnings, facts } = await backUp(400);
    expect(result).toBe('succeeded');
    expect(warnings).toEqual([
      expect.stringMatching(/^suspect, and not counted .*400 B.*holdfast accept shop --reason/),
      'and this',
    ]);
    expect(facts).toMatchObject({ snapshotId: 'of 400', suspect: expect.stringMatching(/400 B/) as unknown });
    expect(lastOk()).toBe(before);
  });

  test('a second small one → is suspect too: the first is no measure', async () => {
    const { backUp } = shop();
    await backUp(1000);
    await backUp(400);
    expect((await backUp(400)).facts.suspect).toMatch(/usual 1.00 kB/);
  });

  test('an ordinary one after it → counts by itself', async () => {
    const { backUp, lastOk } = shop();
    await backUp(1000);
    await backUp(400);
    const { startedAt, warnings } = await backUp(1000);
    expect(warnings).toEqual(['and this']);
    expect(lastOk()).toBe(new Date(startedAt).toISOString());
  });

  test('a person accepts it → the heartbeat moves to its time, and another one like it rings no more', async () => {
    const { backUp, accept, lastOk } = shop();
    await backUp(1000);
    const { startedAt, id } = await backUp(400);
    expect(await accept()).toMatchObject({
      job: 'accept',
      reason: `ada accepted the backup of ${startedAt} (run ${id}): archived`,
      facts: { acceptedRun: id, snapshotId: 'of 400' },
    });
    expect(lastOk()).toBe(new Date(startedAt).toISOString());
    expect((await backUp(390)).warnings).toEqual(['and this']);
    expect((await backUp(190)).facts.suspect).toMatch(/190 B/);
  });

  test('as many tables came as are gone → suspect all the same, with their names, until a person accepts it', async () => {
    const { holding, accept } = shop();
    expect(await holding('orders', 'customers', 'items')).toBeNull();
    expect(await holding('orders', 'new', 'newer')).toBe(
      'of the tables of the last good backup customers, items are gone',
    );
    expect(await holding('orders', 'new', 'newer')).toMatch(/customers, items are gone/);
    await accept();
    expect(await holding('orders', 'new', 'newer')).toBeNull();
    expect(await holding('orders', 'newer', 'newest')).toMatch(/backup new is gone$/);
  });

  test('they are back → the next one counts, and they are missed again when they go', async () => {
    const { holding } = shop();
    await holding('orders', 'items');
    expect(await holding('orders', 'other')).toMatch(/items is gone/);
    expect(await holding('orders', 'items')).toBeNull();
    expect(await holding('orders', 'other')).toMatch(/items is gone/);
  });

  test('fewer, and many of them → how many, and the first few by name', async () => {
    const { holding } = shop();
    await holding('orders', 'a', 'b', 'c', 'd', 'e', 'f', 'g');
    expect(await holding('orders')).toBe(
      'it has 1 table, 7 fewer than the last good backup: a, b, c, d, e and 2 more are gone',
    );
  });

  test.each([
    ['a partition went and another came', ['log_2026_01', 'log_2026_02'], ['log_2026_02', 'log_2026_03']],
    ['all partitions are new', ['log_2026_01'], ['log_2026_02']],
    ['a numbered tenant went and another came', ['t_1.orders', 't_2.orders'], ['t_2.orders', 't_3.orders']],
    ['one that is named by an id', ['import_9f86d081'], ['import_2c26b46b']],
    [
      'one that is named by a UUID',
      ['tmp_6fa459ea_ee8a_3ca4_894e_db77e160355e'],
      ['tmp_16fd2706_bead_feed_9bca_c080f8f0e1a2'],
    ],
  ])('%s → nothing is gone: the names differ in numbers alone', async (_, before, after) => {
    const { holding } = shop();
    await holding('orders', ...before);
    expect(await holding('orders', ...after)).toBeNull();
  });

  test('the last good one is of an agent that noted no names → nothing to hold it against, and the next one is', async () => {
    const { backUp, holding } = shop();
    await backUp(1000);
    expect(await holding('a', 'b', 'c', 'd')).toBeNull();
    expect(await holding('a', 'b', 'c', 'x')).toMatch(/d is gone/);
  });

  test('nothing to accept, accepted already, or no reason → refused', async () => {
    const { backUp, accept } = shop();
    await expect(accept()).rejects.toMatchObject({ kind: 'usage' });
    await backUp(1000);
    await expect(accept()).rejects.toThrow('the newest backup of shop is not suspect');
    await backUp(400);
    await expect(accept(' ')).rejects.toThrow(/a reason is one line/);
    await accept();
    await expect(accept()).rejects.toThrow('nothing to accept');
  });
});
