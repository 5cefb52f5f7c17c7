import { join } from 'node:path';
import type { RepositoryConfig } from '../../agent/config/config.ts';
import { systemClock, type Clock } from '../../agent/core/clock.ts';
import { createCompressors } from '../../agent/process/compress.ts';
import { createProcesses } from '../../agent/process/run.ts';
import { repositoryPassword } from '../../agent/repository/password.ts';
import { createResticRepository } from '../../agent/repository/restic-repository.ts';
import { createStarted } from '../../agent/repository/started.ts';
import { createRestic, type Restic } from '../../agent/repository/restic.ts';
import type { Repository, SaveRequest } from '../../agent/repository/repository.ts';
import type { Dump } from '../../agent/sources/source.ts';

const processesOn = (path: string) => createProcesses({ PATH: path, HOME: '/nonexistent' });

export const processes = processesOn(process.env['PATH'] ?? '');

export interface TestRepository {
  repository: Repository;
  restic: Restic;
}

/** The agent's own repository over a folder of the test; `config` overrides what the agent would be configured with. */
export function testRepository(
  folder: string,
  config: Partial<RepositoryConfig> & { host?: string; path?: string; clock?: Clock } = {},
): TestRepository {
  const full: RepositoryConfig = {
    location: join(folder, 'repository'),
    password: 'correct horse',
    cacheDir: join(folder, 'cache'),
    environment: {},
    answerTimeoutSeconds: 20,
    lockWaitSeconds: 1,
    restic: 'restic',
    ...config,
  };
  const programs = config.path === undefined ? processes : processesOn(config.path);
  const password = repositoryPassword(full.password, folder);
  const restic = createRestic(programs, {
    config: full,
    password: () => password.value(),
    lockFile: join(folder, 'restic.lock'),
    started: createStarted(join(folder, 'restic.started'), () => new Date()),
  });
  const repository = createResticRepository({
    processes: programs,
    compressors: createCompressors(() => true),
    restic,
    config: full,
    password,
    host: config.host ?? 'test-host',
    spool: { directory: join(folder, 'spool'), maxBytes: 64 * 1024 * 1024 },
    clock: config.clock ?? systemClock,
  });
  return { repository, restic };
}

/** A dump of so many bytes that do not compress to nothing; it dies after `dieAt` of them where that is given. */
export function fakeDump(
  bytes: number,
  options: { dieAt?: number; seed?: number } = {},
): (signal: AbortSignal) => Dump {
  return (signal) => {
    let passed = 0;
    let finish: (error: Error | null) => void = () => undefined;
    const done = new Promise<{ bytes: number; warnings: string[] }>((resolve, reject) => {
      finish = (error) => (error === null ? resolve({ bytes: passed, warnings: [] }) : reject(error));
    });
    done.catch(() => undefined);
    async function* stream(): AsyncGenerator<Buffer> {
      try {
        for (let number = 0; passed < bytes; number += 1) {
          if (signal.aborted) return finish(new Error('the dump was told to stop'));
          if (options.dieAt !== undefined && passed >= options.dieAt)
            return finish(new Error('the dump died'));
          const chunk = line(number, options.seed ?? 1).subarray(0, bytes - passed);
          passed += chunk.length;
          yield chunk;
        }
        finish(null);
      } finally {
        finish(new Error('nobody read the dump to its end'));
      }
    }
    return { stream: stream(), done };
  };
}

export function saveRequest(open: SaveRequest['open'], more: Partial<SaveRequest> = {}): SaveRequest {
  return {
    path: '/mysql/shop.sql',
    tags: { source: 'shop', engine: 'mariadb', kind: 'dump' },
    open,
    compression: 'gzip',
    ...more,
  };
}

/** 64 KiB of rows; the same for the same number and seed. */
function line(number: number, seed: number): Buffer {
  let state = (number + 1) * 2_654_435_761 + seed * 97;
  const row = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return `(${number},'${state.toString(36)}${(state * 7).toString(16)}'),`;
  };
  let text = '';
  while (text.length < 65_536) text += row();
  return Buffer.from(text.slice(0, 65_536));
}
