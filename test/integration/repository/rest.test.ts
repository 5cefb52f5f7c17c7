import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryContract } from '../../contracts/repository.ts';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { fakeDump, saveRequest, testRepository, type TestRepository } from '../../helpers/repository.ts';
import { startRestServer } from '../../helpers/rest-server.ts';

/** A REST server over a folder of the test, and the repository on it; `existing` puts an empty one there. */
async function restRepository(options: {
  existing: boolean;
  arguments?: string[];
}): Promise<TestRepository & { data: string }> {
  const folder = temporaryFolder();
  const data = join(folder, 'data');
  mkdirSync(data);
  if (options.existing)
    cpSync(join((await emptyRepository()).folder, 'repository'), join(data, 'shop'), { recursive: true });
  const server = await startRestServer(data, options.arguments);
  return { ...testRepository(folder, { location: server.location('shop') }), data: join(data, 'shop') };
}

repositoryContract('a REST server', {
  absent: async () => (await restRepository({ existing: false })).repository,
  created: async () => (await restRepository({ existing: true })).repository,
});

test('a server that only takes, and deletes nothing → backups go on; retention fails and says where to do it', async () => {
  const { repository, data } = await restRepository({ existing: true, arguments: ['--append-only'] });
  const signal = new AbortController().signal;
  for (const seed of [1, 2]) await repository.save(saveRequest(fakeDump(100_000, { seed })), signal);
  const policy = { daily: 1, weekly: 0, monthly: 0, yearly: 0 };
  const forgetting = repository.forget(policy, { source: 'shop' }, signal);
  await expect(forgetting).rejects.toMatchObject({ kind: 'repository_failed' });
  expect(readdirSync(join(data, 'snapshots'))).toHaveLength(2);
  expect(readdirSync(join(data, 'locks'))).toEqual([]);
});
