import { expect, test } from 'vitest';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeDump, saveRequest, testRepository } from '../../helpers/repository.ts';

const signal = new AbortController().signal;
const DAY_MS = 86_400_000;

test('the clock was set back and a dump dies → the good snapshots, which lie in its future now, stay', async () => {
  const { repository, folder } = await emptyRepository();
  await repository.save(saveRequest(fakeDump(100_000)), signal);
  await repository.save(saveRequest(fakeDump(200_000)), signal);
  const good = await repository.list({}, signal);
  const monthAgo = { now: () => new Date(Date.now() - 30 * DAY_MS) };
  const behind = testRepository(folder, { clock: monthAgo }).repository;
  const dying = saveRequest(fakeDump(1_000_000, { dieAt: 500_000 }));
  await expect(behind.save(dying, signal)).rejects.toThrow('the dump died');
  expect(await repository.list({}, signal)).toEqual(good);
});
