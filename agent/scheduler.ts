import { createTask, parse, validateDetailed } from 'node-cron';
import type { Clock } from './core/clock.ts';
import type { Trigger } from './core/glossary.ts';
import { watchFires } from './due.ts';
import { firesAfter, widestGap } from './fires.ts';
import type { CronFields } from './fires.ts';

export interface ScheduledJob {
  name: string;
  /** An expression without a `cronProblem`. */
  cron: string;
  timeZone: string;
  /** When the job last began, from the ledger; null when it never did. */
  lastStartedAt: Date | null;
  /** Does the work and tells about it by itself. A rejection is logged and ends nothing but this run. */
  run(trigger: Extract<Trigger, 'schedule' | 'catch-up'>): Promise<unknown>;
}

/** What a look at the clock found. */
export interface Look {
  at: Date;
  /** When the next one will have been. */
  againBy: Date;
  /** When each job last came due since the start and was not skipped, and when it will again; null for never. */
  jobs: { name: string; due: Date | null; next: Date | null }[];
}

/** The part of pino that is used here. */
export interface SchedulerLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface Scheduler {
  /** The next fire of every job; null for one that never fires again. */
  nextRuns(): { name: string; at: Date | null }[];
  /** Starts nothing more; resolves when the run that was under way, if any, has ended. Calling twice is no error. */
  stop(): Promise<void>;
}

/**
 * Runs jobs at their times, one after the other in the order given, never two at once: a job whose time comes while it still
 * runs or waits for its turn is skipped, and the log says so. A job that should have begun while nobody was there to start it
 * is run at once, one time.
 *
 * It looks at the clock when the next fire is due and at least twice a minute, so that it notices within half a minute when the
 * clock was changed or the machine slept. node-cron's own timer does not serve: measured with 4.6.0, it drops a run for which it
 * is woken more than a second late, and is silent for a week after the clock was set back by one. See also `takenApart`.
 */
export function startScheduler(options: {
  jobs: ScheduledJob[];
  clock: Clock;
  log: SchedulerLog;
  /** Told of each look, so that others can see that there are some. Must not throw. */
  looked?: (look: Look) => void;
  /** Milliseconds of a clock that nobody sets; for tests. */
  elapsed?: () => number;
}): Scheduler {
  const { clock, log, looked, elapsed = () => performance.now() } = options;
  const start = clock.now();
  const queue = runInTurn(log);
  const watched = options.jobs.map((job) => {
    const fires = (from: Date, count: number) => nextFires(job.cron, job.timeZone, from, count);
    const due = watchFires(fires, { now: start, lastStartedAt: job.lastStartedAt, elapsed });
    return { job, due, cameDue: null as Date | null };
  });
  const serve = (entry: (typeof watched)[number], trigger: 'schedule' | 'catch-up', now: Date) => {
    // One that is skipped leaves the older time: that is the one that still waits for its run.
    if (queue.add(entry.job, trigger)) entry.cameDue = now;
  };

  for (const entry of watched) {
    const { cron, timeZone, lastStartedAt } = entry.job;
    if (missedSince(cron, timeZone, lastStartedAt, start)) serve(entry, 'catch-up', start);
  }

  let timer: NodeJS.Timeout;
  const tick = () => {
    const now = clock.now();
    for (const entry of watched) if (entry.due.look(now)) serve(entry, 'schedule', now);
    const waits = watched.map(({ due }) => (due.next()?.getTime() ?? Infinity) - now.getTime());
    const wait = Math.max(1, Math.min(...waits, LONGEST_SLEEP_MS));
    timer = setTimeout(tick, wait);
    looked?.({
      at: now,
      againBy: new Date(now.getTime() + wait),
      jobs: watched.map(({ job, due, cameDue }) => ({ name: job.name, due: cameDue, next: due.next() })),
    });
  };
  tick();

  return {
    nextRuns: () => watched.map(({ job, due }) => ({ name: job.name, at: due.next() })),
    stop: () => {
      clearTimeout(timer);
      return queue.close();
    },
  };
}

/** Null when the expression is a valid cron expression that fires some day; otherwise a sentence part that says what is wrong with it. */
export function cronProblem(expression: string): string | null {
  const { valid, errors } = validateDetailed(expression);
  if (!valid) return errors.map((error) => sentence(error, expression)).join(', ');
  if (nextFires(expression, 'UTC', new Date(0), 1).length === 0) return 'it would never fire: no day fits it';
  return null;
}

/** The next `count` instants, strictly after `from`, at which the expression fires in the zone; fewer when it never fires again. */
export function nextFires(cron: string, timeZone: string, from: Date, count: number): Date[] {
  return firesAfter(takenApart(cron), timeZone, from).take(count).toArray();
}

/** What a schedule lets one expect, seen from a moment. */
export interface Outlook {
  /** Null when it never fires again. */
  next: Date | null;
  /** The widest gap between its next fires, nights and weekends of a week included, in seconds; null where there are no two. */
  everySeconds: number | null;
  /** The mean of those gaps, in seconds. */
  meanSeconds: number | null;
  /** Whether it means that day; the date is the day's midnight in UTC. */
  meansDay(day: Date): boolean;
}

export function outlookOf(cron: string, timeZone: string, now: Date): Outlook {
  const weekOn = now.getTime() + OUTLOOK_MS;
  const fires: Date[] = [];
  for (const fire of firesAfter(takenApart(cron), timeZone, now).take(MOST_FIRES)) {
    if (fires.length >= LEAST_FIRES && fire.getTime() > weekOn) break;
    fires.push(fire);
  }
  const gap = widestGap(fires);
  const whole = (fires.at(-1)?.getTime() ?? 0) - (fires[0]?.getTime() ?? 0);
  return {
    next: fires[0] ?? null,
    everySeconds: Number.isFinite(gap) ? Math.round(gap / 1000) : null,
    meanSeconds: fires.length < 2 ? null : Math.round(whole / (fires.length - 1) / 1000),
    meansDay: takenApart(cron).meansDay,
  };
}

/** A week with the nights on both sides of it: schedules of office hours have their widest gap there. */
const OUTLOOK_MS = 8 * 86_400_000;
const LEAST_FIRES = 8;
/** Every minute of office hours is 2700 a week. */
const MOST_FIRES = 3000;

/**
 * Whether a fire lay in (lastStartedAt, now]: a run was due while nobody was there to start it.
 * A job that was never started (null) has missed nothing; it waits for its first fire.
 */
export function missedSince(cron: string, timeZone: string, lastStartedAt: Date | null, now: Date): boolean {
  if (lastStartedAt === null) return false;
  const [next] = nextFires(cron, timeZone, lastStartedAt, 1);
  return next !== undefined && next <= now;
}

const LONGEST_SLEEP_MS = 30_000;

/** One run at a time; the others wait in the order in which they came. */
function runInTurn(log: SchedulerLog) {
  const waiting: { job: ScheduledJob; trigger: 'schedule' | 'catch-up' }[] = [];
  let running: ScheduledJob | null = null;
  let done = Promise.resolve();
  let closed = false;

  const work = async () => {
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) {
      running = turn.job;
      try {
        await turn.job.run(turn.trigger);
      } catch (error) {
        log.error({ job: turn.job.name, err: error }, `${turn.job.name} broke off`);
      }
      running = null;
    }
  };

  return {
    /** False when the job is not to run once more. */
    add: (job: ScheduledJob, trigger: 'schedule' | 'catch-up'): boolean => {
      if (closed) return false;
      if (running === job || waiting.some((turn) => turn.job === job)) {
        log.warn({ job: job.name }, `${job.name} is skipped: the run before it has not ended`);
        return false;
      }
      waiting.push({ job, trigger });
      if (trigger === 'catch-up')
        log.info({ job: job.name }, `${job.name} was due while nobody was here to start it`);
      if (running === null && waiting.length === 1) done = done.then(work);
      return true;
    },
    close: () => {
      closed = true;
      waiting.length = 0;
      return done;
    },
  };
}

const FIELD_RANGES: Record<string, string> = {
  second: 'second (0-59)',
  minute: 'minute (0-59)',
  hour: 'hour (0-23)',
  dayOfMonth: 'day of the month (1-31)',
  month: 'month (1-12)',
  dayOfWeek: 'day of the week (0-7)',
};

function sentence(error: { field: string; value?: string; message: string }, expression: string): string {
  const field = FIELD_RANGES[error.field];
  if (field !== undefined) {
    return error.message.includes('impossible')
      ? 'that day of the month does not exist in that month'
      : `"${error.value}" is no ${field}`;
  }
  const count = expression.trim().split(/\s+/).filter(Boolean).length;
  return count === 5 || count === 6
    ? 'it has characters that no cron expression has'
    : `it has ${count} of the five fields`;
}

/**
 * node-cron reads the expression and says which days it means, but does not compute when it fires: measured with 4.6.0, it drops
 * a fire that falls into the hour left out in spring (no backup that night), and a half-hourly expression is silent for one of autumn's two
 * equal hours. Asked about UTC, which has no such nights, it is right.
 */
function takenApart(cron: string): CronFields {
  const known = expressions.get(cron);
  if (known !== undefined) return known;
  const { second, minute, hour } = parse(cron);
  const task = createTask(cron, () => undefined, { timezone: 'UTC' });
  const timeOfDay = ((hour[0] ?? 0) * 3600 + (minute[0] ?? 0) * 60 + (second[0] ?? 0)) * 1000;
  const fields: CronFields = {
    seconds: ascending(second),
    minutes: ascending(minute),
    hours: ascending(hour),
    meansDay: (day) => task.match(new Date(day.getTime() + timeOfDay)),
  };
  expressions.set(cron, fields);
  return fields;
}

/** node-cron keeps every task that was ever created: one per expression is enough. */
const expressions = new Map<string, CronFields>();

function ascending(values: number[]): number[] {
  return [...new Set(values)].sort((one, other) => one - other);
}
