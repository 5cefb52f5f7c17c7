import { expect, test } from 'vitest';
import { createUnnamedRepository } from '../../../agent/repository/unnamed.ts';

const { signal } = new AbortController();
const refused = { kind: 'configuration', message: 'no repository is named' };
const TARGET = {
  path: '/mysql/shop.sql',
  tags: { source: 'shop', engine: 'mysql', kind: 'dump' as const },
  compression: 'none' as const,
};

test('no repository is named → whoever looks into one or stores something is told so', async () => {
  const repository = createUnnamedRepository();
  const open = () => {
    throw new Error('nothing is dumped');
  };
  await expect(repository.identify(signal)).rejects.toMatchObject(refused);
  await expect(repository.create(signal)).rejects.toMatchObject(refused);
  await expect(repository.save({ ...TARGET, open }, signal)).rejects.toMatchObject(refused);
  const prepared = repository.prepare(TARGET);
  await expect(prepared.save({ open }, signal)).rejects.toMatchObject(refused);
  await prepared.cancel();
});
