import { expect, test } from 'vitest';
import { checkJob } from '../../../agent/jobs/upkeep/check.ts';
import type { Repository } from '../../../agent/repository/repository.ts';

function checkOf(stats: Repository['stats'], signal = new AbortController().signal) {
  const repository = {
    location: '/repository',
    identify: () => Promise.resolve('abc'),
    check: () => Promise.resolve(),
    stats,
  } as unknown as Repository;
  const notes = { remember: () => undefined, recall: () => null };
  const plan = { seconds: null, maxBytes: null, betweenSeconds: null };
  const now = () => new Date('2026-11-01T03:00:00Z');
  const job = checkJob({
    repository,
    notes,
    what: 'structure',
    plan,
    openDamage: () => null,
    now,
    timeoutMs: 1000,
  });
  return job.run({ signal, onProgress: () => undefined });
}

test('a sound repository → its size is measured', async () => {
  const outcome = await checkOf(() =>
    Promise.resolve({ storedBytes: 812_000_000, restoreBytes: 1, snapshots: 34 }),
  );
  expect(outcome).toMatchObject({
    reason: 'the structure of the repository is sound',
    warnings: [],
    facts: { repositoryId: 'abc', repositoryBytes: 812_000_000, snapshotsKept: 34 },
  });
});

test('a size that cannot be measured → a warning, and the check stands', async () => {
  const outcome = await checkOf(() => Promise.reject(new Error('no answer')));
  expect(outcome).toMatchObject({
    reason: 'the structure of the repository is sound',
    warnings: ['the size of the repository could not be measured: no answer'],
    facts: { repositoryId: 'abc' },
  });
});

test('stopped while it measures → the check was stopped', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  await expect(checkOf(() => Promise.reject(new Error('stopped')), stop.signal)).rejects.toThrow('stopped');
});
