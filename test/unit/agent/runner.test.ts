import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { EndedRun, type Job } from '../../../agent/jobs/job.ts';
import { acquireLock } from '../../../agent/ledger/lock.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { createRunner } from '../../../agent/runner.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { keptLog } from '../../helpers/log.ts';

const options = { trigger: 'command' as const, signal: new AbortController().signal };

function testRunner(report: () => Promise<void> = async () => undefined, startWaitMs = 0) {
  const ledger = openLedger(':memory:', { now: () => new Date() });
  const lock = join(temporaryFolder(), 'run.lock');
  const recovered: string[][] = [];
  const { log, lines } = keptLog();
  const runner = createRunner({
    ledger,
    acquireLock: () => acquireLock(lock),
    startWaitMs,
    recover: async (interrupted) => void recovered.push(interrupted.map((run) => run.job)),
    report,
    log,
  });
  return { runner, ledger, lock, recovered, lines };
}

function job(run: Job['run'], more: Partial<Job> = {}): Job {
  return { name: 'backup', source: 'shop', timeoutMs: 60_000, run, ...more };
}

const good = async () => ({ reason: 'stored it', warnings: [], facts: { dumpBytes: 7 } });

describe('one run', () => {
  test('a job that returns → succeeded in the ledger, with its reason and facts', async () => {
    const { runner, ledger } = testRunner();
    await runner.run([job(good)], options);
    expect(ledger.last('backup', 'shop')).toMatchObject({
      result: 'succeeded',
      reason: 'stored it',
      facts: { dumpBytes: 7 },
    });
  });

  test('a job that throws → failed, with the cause and the hint, logged once', async () => {
    const { runner, ledger, lines } = testRunner();
    const failing = job(async () => {
      throw new HoldfastError('dump_failed', 'the dump died', { hint: 'Try again.' });
    });
    const [report] = await runner.run([failing], options);
    expect(report?.error).toMatchObject({ kind: 'dump_failed' });
    expect(ledger.last('backup', 'shop')).toMatchObject({
      result: 'failed',
      reason: 'the dump died',
      hint: 'Try again.',
    });
    expect(lines.filter((line) => line.msg.includes('the dump died'))).toHaveLength(1);
  });

  test('the abort of a run → interrupted, and the reason of the abort rather than what the job made of it', async () => {
    const { runner, ledger } = testRunner();
    const stop = new AbortController();
    const waiting = job(async ({ signal }) => {
      stop.abort(new HoldfastError('interrupted', 'it was told to stop'));
      signal.throwIfAborted();
      return good();
    });
    await runner.run([waiting, job(good, { source: 'blog' })], { ...options, signal: stop.signal });
    expect(ledger.last('backup', 'shop')).toMatchObject({
      result: 'interrupted',
      reason: 'it was told to stop',
    });
    expect(ledger.last('backup', 'blog')).toMatchObject({ result: 'interrupted' });
  });

  test('a job that takes longer than its limit → ended and failed, with the limit in the reason', async () => {
    const { runner, ledger } = testRunner();
    const endless = job(
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('socket closed'))),
        ),
      {
        timeoutMs: 20,
      },
    );
    await runner.run([endless], options);
    expect(ledger.last('backup', 'shop')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('time limit') as string,
    });
  });

  test('its time runs out while the repository is away → the repository is named too, with what to do about it', async () => {
    const { runner, ledger } = testRunner();
    const waiting = job(
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () =>
            reject(
              new HoldfastError('repository_unreachable', 'the repository does not answer', {
                hint: 'Wait.',
              }),
            ),
          ),
        ),
      { timeoutMs: 20 },
    );
    await runner.run([waiting], options);
    expect(ledger.last('backup', 'shop')).toMatchObject({
      result: 'failed',
      reason: expect.stringMatching(/time limit: the repository does not answer$/) as string,
      hint: 'Wait.',
    });
  });

  test('a heartbeat that cannot be written → the run keeps its result, and the log tells', async () => {
    const { runner, ledger, lines } = testRunner(async () => {
      throw new HoldfastError('failed', 'no space');
    });
    await runner.run([job(good)], options);
    expect(ledger.last('backup', 'shop')).toMatchObject({ result: 'succeeded' });
    expect(lines.some((line) => line.msg.includes('status folder') && line.msg.includes('no space'))).toBe(
      true,
    );
  });
});

describe('several runs', () => {
  test('one that fails → does not keep the next from running', async () => {
    const { runner } = testRunner();
    const reports = await runner.run(
      [job(() => Promise.reject(new Error('no'))), job(good, { source: 'blog' })],
      options,
    );
    expect(reports.map(({ run }) => run.result)).toEqual(['failed', 'succeeded']);
  });

  test('told to stop behind a finding that stands → failed with that and its facts; behind any other → interrupted', async () => {
    for (const [stands, result, facts] of [
      [true, 'failed', { tables: 1 }],
      [false, 'interrupted', {}],
    ] as const) {
      const { runner } = testRunner();
      const stop = new AbortController();
      const found = async () => {
        stop.abort(new HoldfastError('interrupted', 'it was told to stop'));
        throw new EndedRun(
          'failed',
          new HoldfastError('verification_failed', 'not as it was'),
          { tables: 1 },
          { stands },
        );
      };
      const [report] = await runner.run([job(found)], { ...options, signal: stop.signal });
      expect(report?.run).toMatchObject({ result, facts });
    }
  });

  test('told to stop, and what it stored stays → interrupted, with the facts that confirm it', async () => {
    const { runner } = testRunner();
    const stop = new AbortController();
    const told = new HoldfastError('interrupted', 'it was told to stop');
    const cut = async () => {
      stop.abort(told);
      throw new EndedRun('interrupted', told, { snapshotIds: ['set'] }, { stands: true });
    };
    const [report] = await runner.run([job(cut)], { ...options, signal: stop.signal });
    expect(report?.run).toMatchObject({ result: 'interrupted', facts: { snapshotIds: ['set'] } });
  });

  describe('a job of a group of tenants → says which, however its run ends', () => {
    const facts = { group: 'standard' };
    const told = new HoldfastError('interrupted', 'it was told to stop');
    const fail = (error: unknown) => () => Promise.reject(error);
    test.each<[string, Job['run'], string, object]>([
      ['it went well', good, 'succeeded', { dumpBytes: 7 }],
      ['it failed early', fail(new HoldfastError('repository_unreachable', 'no route')), 'failed', {}],
      [
        'it failed late',
        fail(new EndedRun('failed', new Error('x'), { tables: 1 })),
        'failed',
        { tables: 1 },
      ],
      ['it was stopped', fail(told), 'interrupted', {}],
    ])('%s', async (_, run, result, more) => {
      const { runner, ledger, lines } = testRunner();
      let atBegin: object | undefined;
      const watched: Job['run'] = (context) => {
        atBegin = ledger.last('tenant-backup', 'clinic')?.facts;
        return run(context);
      };
      const [report] = await runner.run(
        [job(watched, { name: 'tenant-backup', source: 'clinic', facts })],
        options,
      );
      expect(atBegin).toEqual(facts);
      expect(report?.run).toMatchObject({ result, facts: { ...facts, ...more } });
      expect(lines.at(-1)).toMatchObject(facts);
    });

    test('it never began', async () => {
      const { runner, ledger, lines } = testRunner();
      const due = { name: 'tenant-backup', source: 'clinic', facts } as const;
      await runner.skip([due], { trigger: 'schedule', why: new HoldfastError('busy', 'waited 30 min') });
      expect(ledger.last('tenant-backup', 'clinic')).toMatchObject({ result: 'skipped', facts });
      expect(lines.at(-1)).toMatchObject(facts);
    });
  });

  test('somebody else holds the lock → busy, nothing in the ledger', async () => {
    const { runner, ledger, lock } = testRunner();
    const release = acquireLock(lock);
    await expect(runner.run([job(good)], options)).rejects.toMatchObject({ kind: 'busy' });
    expect(ledger.recent({ limit: 10 })).toEqual([]);
    release?.();
    await expect(runner.run([job(good)], options)).resolves.toHaveLength(1);
  });

  test('somebody holds the lock who has no run yet → is waited for; whose run has begun → busy at once, with its name', async () => {
    const { runner, ledger, lock } = testRunner(async () => undefined, 60_000);
    const release = acquireLock(lock);
    const waiting = runner.run([job(good)], options);
    release?.();
    await expect(waiting).resolves.toHaveLength(1);

    const other = acquireLock(lock);
    const id = ledger.begin({ job: 'verify', source: 'blog', trigger: 'schedule' });
    await expect(runner.run([job(good)], options)).rejects.toThrow(/holds the lock: verify of blog, since/);
    ledger.finish(id, { result: 'succeeded', reason: 'done' });
    other?.();
  });

  test('told to stop while the lock is waited for → ends at once', async () => {
    const { runner, lock } = testRunner(async () => undefined, 60_000);
    const release = acquireLock(lock);
    const stop = new AbortController();
    const waiting = runner.run([job(good)], { ...options, signal: stop.signal });
    stop.abort(new HoldfastError('interrupted', 'it was told to stop'));
    await expect(waiting).rejects.toMatchObject({ kind: 'interrupted' });
    release?.();
  });

  test('due while somebody else holds the lock, and given up → skipped in the ledger, with its reason, and reported', async () => {
    let reports = 0;
    const { runner, ledger, lock, lines } = testRunner(async () => void (reports += 1));
    const release = acquireLock(lock);
    const why = new HoldfastError('busy', 'waited 30 min', { hint: 'Try later.' });
    await runner.skip([job(good), job(good, { source: 'blog' })], { trigger: 'schedule', why });
    release?.();
    const skipped = { result: 'skipped', reason: 'waited 30 min', hint: 'Try later.', trigger: 'schedule' };
    expect(ledger.last('backup', 'shop')).toMatchObject(skipped);
    expect(ledger.last('backup', 'blog')).toMatchObject(skipped);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'backup skipped: waited 30 min',
      'backup skipped: waited 30 min',
    ]);
    expect(reports).toBe(1);
  });

  test('the ledger is full when a run ends → thrown, no heartbeat; the next run calls it interrupted', async () => {
    let reports = 0;
    const { runner, ledger } = testRunner(async () => void (reports += 1));
    const { finish } = ledger;
    ledger.finish = () => {
      throw new HoldfastError('failed', 'no space left to write the ledger');
    };
    await expect(runner.run([job(good)], options)).rejects.toThrow('no space left');
    expect(reports).toBe(0);
    expect(ledger.last('backup', 'shop')).toMatchObject({ result: 'running' });
    ledger.finish = finish;
    await runner.run([job(good, { source: 'blog' })], options);
    expect(ledger.last('backup', 'shop')).toMatchObject({ result: 'interrupted' });
    expect(ledger.last('backup', 'shop', 'succeeded')).toBeNull();
  });

  test('a run that a dead process left → interrupted before the next begins', async () => {
    const { runner, ledger, recovered } = testRunner();
    ledger.begin({ job: 'backup', source: 'shop', trigger: 'schedule' });
    await runner.run([job(good)], options);
    expect(recovered).toEqual([['backup']]);
    expect(ledger.recent({ limit: 10 }).map(({ result }) => result)).toEqual(['succeeded', 'interrupted']);
  });
});
