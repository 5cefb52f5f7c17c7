import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from './app.ts';
import { utc } from './core/clock.ts';
import { HoldfastError, describeError } from './core/errors.ts';
import type { RunOptions, RunReport } from './runner.ts';
import { ensureRepository } from './jobs/init.ts';
import { nextFires, startScheduler } from './scheduler.ts';

/** A scheduled run waits so long for the lock of a command that a person is running; then it is skipped, and said so. */
const LOCK_WAIT_MS = 30 * 60_000;
const LOCK_POLL_MS = 5_000;
const MAX_INTERRUPTIONS = 3;

/** Runs jobs by schedule until the signal is aborted, and ends a running job cleanly before it returns. */
export async function runDaemon(app: App, signal: AbortSignal): Promise<void> {
  const { log, config, clock } = app;
  log.info(
    {
      version: app.version,
      repository: app.repository.location,
      sources: config.sources.map(({ name }) => name),
    },
    'holdfast started',
  );
  await putInOrder(app, signal);

  const scheduled = [
    {
      name: 'backup' as const,
      cron: config.schedule.backup,
      start: (options: RunOptions) => app.backUp([], options),
    },
    {
      name: 'verify' as const,
      cron: config.schedule.verify,
      start: (options: RunOptions) => app.verify([], options),
    },
  ];
  for (const { name, cron } of scheduled) {
    const fires = nextFires(cron, config.timeZone, clock.now(), 3).map(utc);
    log.info({ job: name, cron, timeZone: config.timeZone }, `next ${name}: ${fires.join(', ')}`);
  }
  const scheduler = startScheduler({
    jobs: scheduled.map(({ name, cron, start }) => ({
      name,
      cron,
      timeZone: config.timeZone,
      lastStartedAt: lastStart(app, name),
      run: (trigger) => whenFree(app, signal, () => start({ trigger, signal })),
    })),
    clock,
    log,
  });
  if (!signal.aborted) await once(signal, 'abort');
  log.info('stopping');
  await scheduler.stop();
  log.info('stopped');
}

/** What a start does before anything is due: names what was interrupted, sees whether the repository answers. Its failure keeps no schedule from running. */
async function putInOrder(app: App, signal: AbortSignal): Promise<void> {
  try {
    const { id, created } = await app.runner.exclusively(signal, () =>
      ensureRepository(app.repository, app.ledger, signal, { create: true }),
    );
    app.log.info({ id }, created ? 'created the repository' : 'the repository answers');
  } catch (error) {
    if (signal.aborted) return;
    const { message, hint } = describeError(error);
    app.log.error({ hint }, message);
  }
  const reminder = app.passwordReminder();
  if (reminder !== null) app.log.warn(reminder);
}

/**
 * Since when a job counts as done for every source that ever had it: the oldest of their newest runs. One that was
 * interrupted does not count, so that it is caught up at the next start; but after several in a row it may be the job
 * that ends the agent, and it waits for its time.
 */
function lastStart(app: App, job: 'backup' | 'verify'): Date | null {
  const starts = app.sources.flatMap((source) => {
    const runs = app.ledger.recent({ job, source: source.name, limit: MAX_INTERRUPTIONS });
    if (runs.length === 0) return [];
    const ended = runs.find((run) => run.result !== 'interrupted');
    if (ended !== undefined) return [Date.parse(ended.startedAt)];
    return [runs.length < MAX_INTERRUPTIONS ? 0 : app.clock.now().getTime()];
  });
  return starts.length === 0 ? null : new Date(Math.min(...starts));
}

/** Runs when the lock is free; a command of a person may hold it for a while. */
async function whenFree(app: App, signal: AbortSignal, start: () => Promise<RunReport[]>): Promise<void> {
  const giveUpAt = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      await start();
      const reminder = app.passwordReminder();
      if (reminder !== null) app.log.warn(reminder);
      return;
    } catch (error) {
      if (signal.aborted) return;
      const { message, hint, kind } = describeError(error);
      if (!(error instanceof HoldfastError) || kind !== 'busy' || performance.now() > giveUpAt) {
        app.log.error({ hint }, message);
        return;
      }
      await delay(LOCK_POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
