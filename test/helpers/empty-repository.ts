import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { quickKey } from './quick-key.ts';
import { testRepository, type TestRepository } from './repository.ts';

/**
 * A new empty repository in a folder of the test. restic takes seconds to make one and most of a second to open it (its key
 * is slow on purpose), so one is made for each process, its key made quick, and copied. A test that kills restic at random
 * keeps the slow one: it is while the key is derived that most kills meet restic in the field.
 */
export async function emptyRepository(
  config: Parameters<typeof testRepository>[1] = {},
  key: 'quick' | 'slow' = 'quick',
): Promise<TestRepository & { folder: string }> {
  const folder = temporaryFolder();
  cpSync((await templates())[key], join(folder, 'repository'), { recursive: true });
  return { ...testRepository(folder, config), folder };
}

interface Templates {
  quick: string;
  slow: string;
}

let making: Promise<Templates> | null = null;

function templates(): Promise<Templates> {
  return (making ??= make());
}

async function make(): Promise<Templates> {
  const folder = join(tmpdir(), `holdfast-template-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const slow = join(folder, 'repository');
  const quick = join(folder, 'quick');
  if (!existsSync(quick)) {
    await testRepository(folder).repository.create(AbortSignal.timeout(60_000));
    cpSync(slow, quick, { recursive: true });
    quickKey(quick, 'correct horse');
  }
  return { quick, slow };
}
