import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { App } from './app.ts';
import { globalSchedules, tenantGroups } from './config/tenant-groups.ts';
import { tenantTurns } from './config/tenant-turns.ts';
import { utc } from './core/clock.ts';
import { HoldfastError, describeError } from './core/errors.ts';
import type { Trigger } from './core/glossary.ts';
import { humanDuration } from './core/units.ts';
import { makeUpCommand } from './make-up.ts';
import type { RunOptions } from './runner.ts';
import { heed } from './jobs/heeded.ts';
import { ensureRepository } from './jobs/init.ts';
import { lastStart, lastStartOfGlobal, lastStartOfGroup, lastTurn } from './last-start.ts';
import { writePulse, type Pulse } from './pulse.ts';
import { nextFires, startScheduler, type Look } from './scheduler.ts';

/** A scheduled run waits so long for the lock of a command that a person is running; then it is skipped, and said so. */
const LOCK_WAIT_MS = 30 * 60_000;
const LOCK_POLL_MS = 5_000;
/** Putting things in order may wait for a repository and for somebody else's lock in it. */
const START_WITHIN_MS = 15 * 60_000;

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
  heed({ repository: app.repository, sources: config.sources }, app.ledger);
  const tellPulse = pulseWriter(app);
  const startedAt = clock.now();
  tellPulse({ at: startedAt, againBy: new Date(startedAt.getTime() + START_WITHIN_MS), jobs: [] });
  await putInOrder(app, signal);

  const scheduled: Scheduled[] = [
    {
      job: 'backup',
      name: 'backup',
      cron: config.schedule.backup,
      lastStartedAt: lastStart(app, 'backup'),
      start: (options: RunOptions) => app.backUp([], options),
      skip: (options) => app.skip('backup', options),
    },
    {
      job: 'verify',
      name: 'verify',
      cron: config.schedule.verify,
      lastStartedAt: lastStart(app, 'verify'),
      start: (options: RunOptions) => app.verify([], options),
      skip: (options) => app.skip('verify', options),
    },
    ...tenantTurns(config).map(({ source, schedule }) => ({
      job: 'tenant-verify' as const,
      source,
      name: `tenant-verify of ${source}`,
      cron: schedule,
      lastStartedAt: lastTurn(app, source),
      start: (options: RunOptions) => app.verifyTenants(app.pick([source]), null, options),
      skip: (options: SkipOptions) => app.skipTurn(source, options),
    })),
    ...globalSchedules(config).map(({ source, cron }) => ({
      job: 'global-backup' as const,
      source,
      name: `global-backup of ${source}`,
      cron,
      lastStartedAt: lastStartOfGlobal(app, source),
      start: (options: RunOptions) =>
        app.parts.backUp([source], { part: { kind: 'global' }, output: null }, options),
      skip: (options: SkipOptions) => app.parts.skip({ source, group: null }, options),
    })),
    ...tenantGroups(config).map(({ source, group, cron }) => ({
      job: 'tenant-backup' as const,
      ...{ source, group },
      name: `tenant-backup of the group ${group} of ${source}`,
      cron,
      lastStartedAt: lastStartOfGroup(app, source, group),
      start: (options: RunOptions) =>
        app.parts.backUp([source], { part: { kind: 'group', name: group }, output: null }, options),
      skip: (options: SkipOptions) => app.parts.skip({ source, group }, options),
    })),
  ];
  for (const { job, name, cron } of scheduled) {
    const fires = nextFires(cron, config.timeZone, clock.now(), 3).map(utc);
    log.info({ job, cron, timeZone: config.timeZone }, `next ${name}: ${fires.join(', ')}`);
  }
  const byName = new Map(scheduled.map((one) => [one.name, one]));
  const scheduler = startScheduler({
    jobs: scheduled.map(({ job, source, name, cron, lastStartedAt, start, skip }) => ({
      name,
      cron,
      timeZone: config.timeZone,
      lastStartedAt,
      run: (trigger) =>
        whenFree({
          start: async () => {
            await start({ trigger, signal });
            const reminder = app.passwordReminder();
            if (reminder !== null) log.warn(reminder);
          },
          giveUp: (why) => skip({ trigger, why }),
          command: makeUpCommand(job, source ?? null),
          log,
          signal,
        }),
    })),
    clock,
    log,
    looked: (look) =>
      tellPulse({
        ...look,
        jobs: look.jobs.map((one) => {
          const { job, source, group } = byName.get(one.name) ?? {};
          return { ...one, name: job ?? one.name, source: source ?? null, group: group ?? null };
        }),
      }),
  });
  if (!signal.aborted) await once(signal, 'abort');
  log.info('stopping');
  await scheduler.stop();
  log.info('stopped');
}

interface Scheduled {
  job: Pulse['jobs'][number]['name'];
  /** Whose it is; absent for all sources. */
  source?: string;
  group?: string;
  /** Of its own for each. */
  name: string;
  cron: string;
  lastStartedAt: Date | null;
  start: (options: RunOptions) => Promise<unknown>;
  skip: (options: SkipOptions) => Promise<void>;
}

interface SkipOptions {
  trigger: Trigger;
  why: unknown;
}

interface ScheduledLook extends Omit<Look, 'jobs'> {
  jobs: (Look['jobs'][number] & Pick<Pulse['jobs'][number], 'source' | 'group'>)[];
}

/** Leaves each look for `holdfast health`. A full disk is told once; the health check finds the daemon silent then. */
function pulseWriter({ config, log }: App): (look: ScheduledLook) => void {
  let failing = false;
  return ({ at, againBy, jobs }) => {
    try {
      writePulse(config.stateDir, {
        version: 1,
        at: utc(at),
        againBy: utc(againBy),
        jobs: jobs.map(({ source, group, name, due, next }) => ({
          ...{ source, group },
          name: name as Pulse['jobs'][number]['name'],
          due: due === null ? null : utc(due),
          next: next === null ? null : utc(next),
        })),
      });
      failing = false;
    } catch (error) {
      if (!failing)
        log.error(`the pulse in ${config.stateDir} cannot be written: ${describeError(error).message}`);
      failing = true;
    }
  };
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
 * Starts when the lock is free: a command of a person may hold it for a while. When it is held for too long the run is
 * given up, and `giveUp` is told why. Never rejects: the next fire gets its turn whatever happens.
 */
export async function whenFree(run: {
  start: () => Promise<void>;
  giveUp: (why: unknown) => Promise<void>;
  /** What makes up for it, to be told to who reads why it was given up. */
  command: string;
  log: Pick<Logger, 'error'>;
  signal: AbortSignal;
  waitMs?: number;
  pollMs?: number;
}): Promise<void> {
  const { log, signal, command, waitMs = LOCK_WAIT_MS, pollMs = LOCK_POLL_MS } = run;
  const tell = (error: unknown) => {
    const { message, hint } = describeError(error);
    log.error({ hint }, message);
  };
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    try {
      return await run.start();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof HoldfastError) || error.kind !== 'busy') return tell(error);
      if (performance.now() > giveUpAt)
        return await run.giveUp(waitedFor(error, waitMs, command)).catch(tell);
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function waitedFor(busy: HoldfastError, waitMs: number, command: string): HoldfastError {
  return new HoldfastError('busy', `waited ${humanDuration(waitMs)}: ${busy.message}`, {
    hint: `It is due again at its next time; once the other run has ended, \`${command}\` makes up for it.`,
    cause: busy,
  });
}
