import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { systemClock, type Clock } from './core/clock.ts';
import { HoldfastError } from './core/errors.ts';
import { createCompressors } from './process/compress.ts';
import { isOnPath } from './process/on-path.ts';
import { createProcesses, type Processes } from './process/run.ts';
import { repositoryPassword, type RepositoryPassword } from './repository/password.ts';
import type { Repository } from './repository/repository.ts';
import { createResticRepository } from './repository/restic-repository.ts';
import { createRestic, type Restic } from './repository/restic.ts';
import { createUnnamedRepository, unnamed } from './repository/unnamed.ts';
import { createStarted } from './repository/started.ts';

export interface AccessSurroundings {
  /** What every child process gets. */
  environment: Record<string, string>;
  /** Told every secret that the configuration does not hold, before anything else sees it. */
  hide: (secret: string) => void;
}

/** The repository alone: enough to look into it, whatever became of the ledger. */
export interface Access {
  readonly config: Config;
  readonly clock: Clock;
  readonly processes: Processes;
  /** Throws `configuration` where no repository is named. */
  readonly restic: Restic;
  readonly repository: Repository;
  readonly password: RepositoryPassword;
  readonly childEnvironment: Record<string, string>;
}

/** Wires what leads to the repository. Of the state folder it needs no more than that it can be written. */
export function createAccess(config: Config, { environment, hide }: AccessSurroundings): Access {
  const clock = systemClock;
  makeStateFolder(config.stateDir);
  const processes = createProcesses(environment);
  const password = repositoryPassword(config.repository.password, config.stateDir, hide);
  const { location } = config.repository;
  if (location === null) {
    return {
      ...{ config, clock, processes, password, childEnvironment: environment },
      get restic(): Restic {
        throw unnamed();
      },
      repository: createUnnamedRepository(),
    };
  }
  const named = { ...config.repository, location };
  const restic = createRestic(processes, {
    config: named,
    password: () => password.value(),
    lockFile: join(config.stateDir, 'restic.lock'),
    started: createStarted(join(config.stateDir, 'restic.started'), () => clock.now()),
  });
  const repository = createResticRepository({
    processes,
    compressors: createCompressors((name) => isOnPath(name, environment['PATH'] ?? '')),
    restic,
    config: named,
    password,
    host: config.host,
    spool: { directory: join(config.stateDir, 'spool'), maxBytes: config.spoolBytes },
    clock,
  });
  return { config, clock, processes, restic, repository, password, childEnvironment: environment };
}

function makeStateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new HoldfastError('failed', `cannot make the state folder ${path}`, {
      hint: 'HOLDFAST_STATE_DIR must be a folder that the user of this process may write.',
      cause,
    });
  }
}
