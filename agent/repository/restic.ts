import type { RepositoryConfig } from '../config/config.ts';
import { HoldfastError } from '../core/errors.ts';
import { maskUrls, secretInUrl, secretsInEnvironment } from '../core/secret-names.ts';
import type { Child, Command, Exit, Finished, Processes } from '../process/run.ts';
import { accessHint, isRefused, isRefusedForGood, unreachableHint } from './access.ts';
import { causeOf } from './messages.ts';
import type { Noted, Noting, Started } from './started.ts';

/**
 * The only place that knows restic's command line, environment and exit codes.
 *
 * Each restic runs below three small programs that replace themselves by it: `setpriv --pdeathsig` ends it when the
 * agent dies, however it dies (otherwise it would take the agent's closed pipe for the end of the dump and save a
 * truncated snapshot), `flock` lets it hold a lock in the state folder as long as it lives, by which
 * `exclusively` can tell that a lock in the repository belongs to nobody alive on this server, and a shell of one line notes its process id: below
 * `flock`, so that whatever stands noted while `exclusively` runs is dead.
 */
export interface Restic {
  readonly location: string;
  run(args: string[], options: ResticOptions): Promise<Finished>;
  /** `env` goes over the environment of every restic. */
  start(args: string[], options?: Pick<Command, 'env' | 'cwd' | 'onStderrLine'>): Promise<Child>;
  /** Runs restic only if no other restic of this state folder is alive, or will be in a few seconds; null if one is. */
  exclusively(args: string[], options: ResticOptions): Promise<Finished | null>;
  /** Whether a restic of this process id was started from this state folder and may have left a lock of this time. */
  started(pid: number, lockTime: Date): boolean;
  /** Those that were started and may have left a lock, or have one. */
  unsettled(): Noted[];
  /** To be told that none of these has a lock in the repository any more. */
  settle(noted: Noted[]): void;
  /** The command for a person's own restic call, with the environment it needs. */
  passThrough(args: string[]): Command;
}

export interface ResticOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Exit codes beside 0 that are answers, not errors. */
  accept?: number[];
  /** The folder to run in, for what writes files where it stands. */
  cwd?: string;
}

export interface ResticSettings {
  config: RepositoryConfig;
  /** Asked before each start: it may come to be known while the agent runs. */
  password: () => string;
  /** File that every restic of this state folder holds a shared lock on. */
  lockFile: string;
  /** Keeps which ones were started. */
  started: Started;
}

const BUSY = 75;
/** It came to its own end, or did not come to lock anything: no repository, no lock to be had, another password. */
const NO_LOCK_LEFT = [0, 3, 10, 11, 12];
/** restic exits with 0 all the same: its internal/repository/lock.go only logs it. */
const LOCK_LEFT = /unlock|refresh lock/i;
/** A bucket that is not there is a repository that is not there: `restic init` makes both. */
const NO_BUCKET = /specified bucket does not exist|NoSuchBucket|container does not exist|ContainerNotFound/i;
const SHARED = ['--shared', '--timeout', '30'];
/** Long enough for somebody's `restic snapshots` to end, and not for a dump or a mount. */
const EXCLUSIVE_WAIT_SECONDS = 5;

export function createRestic(processes: Processes, settings: ResticSettings): Restic {
  const { config, lockFile } = settings;
  const noted = (args: string[], noting: Noting, lock = SHARED): Command => {
    return {
      file: 'setpriv',
      args: [
        '--pdeathsig',
        'KILL',
        'flock',
        '--no-fork',
        '--conflict-exit-code',
        String(BUSY),
        ...lock,
        lockFile,
        ...noting.command,
        config.restic,
        ...args,
      ],
      env: environment(config, settings.password()),
      label: 'restic',
      secrets: secretsOf(config, settings.password()),
      // Otherwise its lock may be there still: it was told to stop while it made it, or the repository was away.
      onGone: (pid, { code, stderr }) => {
        const isFree = NO_LOCK_LEFT.includes(code ?? -1) && !stderr.some((line) => LOCK_LEFT.test(line));
        if (isFree) noting.endedWell(pid);
        else noting.isGone(pid);
      },
    };
  };
  const command = (args: string[], lock?: string[]) => noted(args, settings.started.noting(), lock);
  const finish = async (finished: Finished, options: ResticOptions) => {
    if (finished.code === 0 || options.accept?.includes(finished.code ?? -1)) return finished;
    throw resticError(finished, config);
  };
  const run = async (made: Command, options: ResticOptions) => {
    // restic tries for a quarter of an hour whatever the trouble is, and says on stderr what it was.
    let trouble = '';
    const hopeless = new AbortController();
    const onStderrLine = (line: string) => {
      if (!line.startsWith('{') && /error|refused|denied|timeout/i.test(line)) trouble = line;
      if (NO_BUCKET.test(line)) hopeless.abort(noRepository(config));
      else if (isRefusedForGood(line)) hopeless.abort(refused(reasonIn(line), config));
    };
    const signal = AbortSignal.any([options.signal, hopeless.signal]);
    try {
      const { cwd, ...limits } = options;
      const placed = { ...made, onStderrLine, ...(cwd === undefined ? {} : { cwd }) };
      return await processes.run(placed, { ...limits, signal });
    } catch (error) {
      if (hopeless.signal.aborted) throw hopeless.signal.reason;
      if (!(error instanceof HoldfastError) || error.kind !== 'timeout') throw error;
      throw unreachable(trouble === '' ? error.message : `${error.message}: ${trouble}`, config, error);
    }
  };

  return {
    location: maskUrls(config.location),
    run: async (args, options) => finish(await run(command(args), options), options),
    start: (args, { env, ...options } = {}) => {
      const made = command(args);
      return processes.start({ ...made, ...options, env: { ...made.env, ...env } });
    },
    exclusively: async (args, options) => {
      const finished = await run(
        command(args, ['--exclusive', '--timeout', String(EXCLUSIVE_WAIT_SECONDS)]),
        options,
      );
      return finished.code === BUSY ? null : finish(finished, options);
    },
    started: (pid, lockTime) => settings.started.has(pid, lockTime),
    unsettled: () => settings.started.unsettled(),
    settle: (some) => settings.started.settle(some),
    passThrough: (args) => {
      const noting = settings.started.noting();
      // What it says of its lock, it says to the person alone.
      return { ...noted(args, noting), onGone: (pid) => noting.isGone(pid) };
    },
  };
}

/** Turns how restic ended into an error with a hint; the exit codes are restic's API since 0.17.1. */
export function resticError(exit: Exit, config: RepositoryConfig): HoldfastError {
  const missing = exit.stderr.find((line) =>
    /^(flock|setpriv): failed to execute|: exec: .+: (not found|[Pp]ermission denied)$/.test(line),
  );
  if (missing !== undefined) {
    return new HoldfastError('tool_missing', `cannot start restic (${config.restic}): ${missing}`, {
      hint: 'Install restic 0.19.1 or later, or name it in HOLDFAST_RESTIC.',
    });
  }
  const cause = causeOf(exit.stderr);
  const at = maskUrls(config.location);
  switch (exit.code) {
    case 10:
      return noRepository(config);
    case 11:
      return new HoldfastError(
        'repository_locked',
        `the repository at ${at} is locked${cause ? `: ${cause}` : ''}`,
        {
          hint:
            'Wait for the other program to end. Who it is: `holdfast restic -- list locks`, then ' +
            '`holdfast restic -- cat lock ID --no-lock`.',
        },
      );
    case 12:
      return new HoldfastError('repository_password', `the password does not open the repository at ${at}`, {
        hint: 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE to the password that the repository was made with.',
      });
    case BUSY:
      return new HoldfastError(
        'repository_locked',
        'another restic of this server is changing the repository',
        {
          hint: 'Wait for it to end, then try again.',
        },
      );
  }
  if (
    /no space left on device|disk quota exceeded|insufficient (free )?space/i.test(exit.stderr.join('\n'))
  ) {
    return new HoldfastError('repository_full', `no space is left for the repository at ${at}`, {
      hint: 'Free space there, or keep fewer snapshots and run `holdfast prune`.',
    });
  }
  if (isRefused(exit.stderr.join('\n'))) return refused(cause, config);
  if (
    /connection refused|no such host|i\/o timeout|network is unreachable|no route to host|connection reset/i.test(
      exit.stderr.join('\n'),
    )
  ) {
    return unreachable(cause, config);
  }
  if (cause.includes('parsing repository location failed')) {
    return new HoldfastError('repository_failed', `the location ${at} is none that restic knows: ${cause}`, {
      hint: 'Correct RESTIC_REPOSITORY (repository.location in a file): a path, s3:https://HOST/BUCKET/PATH, sftp:USER@HOST:/PATH, rest:https://HOST/ …',
    });
  }
  const ended = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  return new HoldfastError('repository_failed', `restic ended with ${ended}${cause ? `: ${cause}` : ''}`, {
    hint: 'Run `holdfast doctor` to see what the repository answers.',
  });
}

/** The location without a password in it. */
function noRepository(config: RepositoryConfig): HoldfastError {
  return new HoldfastError('repository_absent', `there is no repository at ${maskUrls(config.location)}`, {
    hint: 'Check that the volume is mounted and the location is right; a new repository is made by `holdfast init`.',
  });
}

function refused(said: string, config: RepositoryConfig): HoldfastError {
  return new HoldfastError(
    'repository_failed',
    `no access to the repository at ${maskUrls(config.location)}: ${withoutLead(said)}`,
    { hint: accessHint(config, said) },
  );
}

/** restic's words without what the message says already, and without advice that does not fit here. */
function withoutLead(said: string): string {
  return said
    .replace(/^unable to open (repository at \S+|config file): /, '')
    .replace(/^(s3\.getCredentials: |Fatal: )+/, '')
    .replace(/\. Use `-o .*/, '');
}

/** What restic was told, of a line in which it says that it will try again. */
function reasonIn(line: string): string {
  return line.replace(/^.*?retrying after [^:]*: /, '');
}

function unreachable(said: string, config: RepositoryConfig, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'repository_unreachable',
    `the repository at ${maskUrls(config.location)} does not answer${said ? `: ${said}` : ''}`,
    {
      hint: unreachableHint(config, said),
      cause,
    },
  );
}

function environment(config: RepositoryConfig, password: string): Record<string, string> {
  return {
    ...config.environment,
    RESTIC_REPOSITORY: config.location,
    RESTIC_PASSWORD: password,
    // restic prints its progress dozens of times a second otherwise, also where nobody looks.
    RESTIC_PROGRESS_FPS: '0.2',
    ...(config.cacheDir === null ? {} : { RESTIC_CACHE_DIR: config.cacheDir }),
  };
}

function secretsOf(config: RepositoryConfig, password: string): string[] {
  const inLocation = secretInUrl(config.location);
  return [
    password,
    ...(inLocation === undefined ? [] : [inLocation]),
    ...secretsInEnvironment(config.environment),
  ];
}
