import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { HoldfastError, describeError } from './core/errors.ts';
import type { Trigger } from './core/glossary.ts';
import { humanDuration } from './core/units.ts';
import { EndedRun, type Job, type Progress } from './jobs/job.ts';
import type { Ledger, Run, RunEnd } from './ledger/ledger.ts';

export interface RunnerSettings {
  ledger: Ledger;
  /** Takes the lock that is held across processes; null when somebody else holds it. */
  acquireLock: () => (() => void) | null;
  /** So long the lock is waited for while its holder has no run in the ledger: it puts things in order at its start, and is soon done. */
  startWaitMs: number;
  /** What a dead process left behind is put in order, under the lock, before the first job: returns what was found. */
  recover: (interrupted: Run[], signal: AbortSignal) => Promise<void>;
  /** Called after each run: writes the heartbeat. Its failure never changes the run's result. */
  report: () => Promise<void>;
  log: Logger;
}

/** How one job ended. */
export interface RunReport {
  job: Job;
  run: Run;
  error: unknown;
  /** Why the heartbeat could not be written after it; null where it was. */
  unreported: unknown;
}

export interface Runner {
  /**
   * Runs jobs one after another under one lock; each gets its own entry in the ledger, and one that fails does not keep
   * the next from running. `next` is asked after each for jobs that follow from how it ended. Throws `busy` when somebody
   * else holds the lock.
   */
  run(jobs: Job[], options: RunOptions): Promise<RunReport[]>;
  /** Takes the lock, puts in order what a dead process left, and does what no two processes may do at once; throws `busy`. */
  exclusively<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T>;
  /** Records that jobs were due and did not run, and why. Needs no lock: that somebody else holds it is mostly the reason. */
  skip(
    jobs: Pick<Job, 'name' | 'source' | 'facts'>[],
    options: { trigger: Trigger; why: unknown },
  ): Promise<void>;
}

export interface RunOptions {
  trigger: Trigger;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  next?: (soFar: RunReport[]) => Job[];
  onEnd?: (report: RunReport) => void;
}

export function createRunner(settings: RunnerSettings): Runner {
  const underLock = async <T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> => {
    const release = await lockFor(settings, signal);
    try {
      const interrupted = settings.ledger.interruptLeftovers('the agent died while it ran');
      await settings.recover(interrupted, signal);
      return await action();
    } finally {
      release();
    }
  };
  /** The sentinel's page is to know of it; that it does not is no reason to fail. */
  const tellSentinel = () =>
    settings.report().catch((cause: unknown) => settings.log.error(describeError(cause).message));
  return {
    exclusively: (signal, action) =>
      underLock(signal, async () => {
        const result = await action();
        await tellSentinel();
        return result;
      }),
    skip: async (jobs, { trigger, why }) => {
      const { message, hint } = describeError(why);
      for (const { name, source, facts = {} } of jobs) {
        const run = settings.ledger.skip({ job: name, source, trigger, facts }, { reason: message, hint });
        const what = { run, result: 'skipped', ...(source === null ? {} : { source }) };
        settings.log.error(
          { job: name, ...what, ...(hint === null ? {} : { hint }), ...facts },
          `${name} skipped: ${message}`,
        );
      }
      await tellSentinel();
    },
    run: (jobs, options) =>
      underLock(options.signal, async () => {
        const reports: RunReport[] = [];
        const queue = [...jobs];
        for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
          const report = await runOne(job, settings, options);
          reports.push(report);
          options.onEnd?.(report);
          if (queue.length === 0 && !options.signal.aborted) queue.push(...(options.next?.(reports) ?? []));
        }
        return reports;
      }),
  };
}

async function runOne(job: Job, settings: RunnerSettings, options: RunOptions): Promise<RunReport> {
  const { ledger } = settings;
  const log = settings.log.child({ job: job.name, ...(job.source === null ? {} : { source: job.source }) });
  const known = job.facts ?? {};
  const id = ledger.begin({ job: job.name, source: job.source, trigger: options.trigger, facts: known });
  const startedAt = performance.now();
  log.info({ run: id, trigger: options.trigger, ...known }, `${job.name} started`);

  const { end: told, error } = await settle(job, options);
  const end = { ...told, facts: { ...known, ...told.facts } };
  ledger.finish(id, end);
  const run = ledger.get(id);
  if (run === null) throw new HoldfastError('failed', `run ${id} vanished from the ledger`);
  const took = humanDuration(performance.now() - startedAt);
  const fields = { run: id, result: end.result, ...(end.hint ? { hint: end.hint } : {}), ...end.facts };
  for (const warning of end.warnings ?? []) log.warn({ run: id }, warning);
  if (end.result === 'succeeded') log.info(fields, `${job.name} succeeded in ${took}: ${end.reason}`);
  else log.error(fields, `${job.name} ${end.result} after ${took}: ${end.reason}`);

  let unreported: unknown = null;
  await settings.report().catch((cause: unknown) => {
    unreported = cause;
    log.error({ run: id }, `the status folder was not written: ${describeError(cause).message}`);
  });
  return { job, run, error, unreported };
}

async function settle(job: Job, options: RunOptions): Promise<{ end: RunEnd; error: unknown }> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(
      new HoldfastError(
        'timeout',
        `${job.name} was ended after ${humanDuration(job.timeoutMs)}, its time limit`,
        {
          hint: 'Find out what it waited for with `holdfast doctor`; the limit of backups, restores and verifications is HOLDFAST_BACKUP_TIMEOUT.',
        },
      ),
    );
  }, job.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  try {
    signal.throwIfAborted();
    const { onProgress } = options;
    const outcome = await job.run({
      signal,
      onProgress: onProgress ?? (() => undefined),
      watched: onProgress !== undefined,
    });
    return { end: { result: 'succeeded', ...outcome }, error: null };
  } catch (thrown) {
    const isStopped = signal.aborted && !(thrown instanceof EndedRun && thrown.stands);
    // What an aborted child or socket says of its end is noise: why we aborted is the cause.
    const error: unknown = isStopped ? withWhatItWaitedFor(signal.reason, thrown) : thrown;
    const { message, hint, kind } = describeError(error);
    if (error instanceof EndedRun) {
      return { end: { result: error.result, reason: message, hint, facts: error.facts }, error };
    }
    return {
      end: { result: kind === 'interrupted' ? 'interrupted' : 'failed', reason: message, hint },
      error,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** A repository that was away as the time ran out is no noise. */
function withWhatItWaitedFor(reason: unknown, thrown: unknown): unknown {
  const { kind, message, hint } = describeError(thrown);
  if (describeError(reason).kind !== 'timeout' || kind !== 'repository_unreachable') return reason;
  return new HoldfastError('timeout', `${describeError(reason).message}: ${message}`, {
    cause: thrown,
    ...(hint === null ? {} : { hint }),
  });
}

/** Throws `busy` when somebody else keeps it. */
async function lockFor(
  { acquireLock, ledger, startWaitMs }: RunnerSettings,
  signal: AbortSignal,
): Promise<() => void> {
  const giveUpAt = performance.now() + startWaitMs;
  for (;;) {
    const release = acquireLock();
    if (release !== null) return release;
    const running = ledger.recent({ result: 'running', limit: 1 })[0];
    if (running !== undefined || performance.now() > giveUpAt) throw busy(running);
    await delay(LOCK_POLL_MS, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

const LOCK_POLL_MS = 200;

function busy(running: Run | undefined): HoldfastError {
  const who =
    running === undefined
      ? ''
      : `: ${running.job}${running.source === null ? '' : ` of ${running.source}`}, since ${running.startedAt}`;
  return new HoldfastError('busy', `another run holds the lock${who}`, {
    hint: 'Wait for it to end (see `holdfast status`), then try again.',
  });
}
