import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { quickKey } from './quick-key.ts';
import { testRepository, type TestRepository } from './repository.ts';

/**
 * A new empty repository in a folder of the test. restic takes seconds to make one and most of a second to open it (its key
 * is slow on purpose), so one is made for each process, its key made quick, and copied.
 */
export async function emptyRepository(
  config: Parameters<typeof testRepository>[1] = {},
): Promise<TestRepository & { folder: string }> {
  const folder = temporaryFolder();
  cpSync(await template(), join(folder, 'repository'), { recursive: true });
  return { ...testRepository(folder, config), folder };
}

let making: Promise<string> | null = null;

function template(): Promise<string> {
  return (making ??= make());
}

async function make(): Promise<string> {
  const folder = join(tmpdir(), `holdfast-template-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'repository');
  if (!existsSync(path)) {
    await testRepository(folder).repository.create(AbortSignal.timeout(60_000));
    quickKey(path, 'correct horse');
  }
  return path;
}
