import type { JobName } from './core/glossary.ts';
import { makeUpCommand } from './make-up.ts';
import { humanDuration } from './core/units.ts';
import type { Ledger, Run } from './ledger/ledger.ts';
import type { Pulse } from './pulse.ts';

/** Whether the daemon does what it is for. Times are UTC. */
export interface Health {
  healthy: boolean;
  /** One sentence part. */
  reason: string;
  hint: string | null;
  /** When the scheduler last looked at the clock; null where there was no daemon. */
  lookedAt: string | null;
  jobs: JobHealth[];
}

export interface JobHealth {
  job: JobName;
  /** Whose it is; null for all sources. */
  source: string | null;
  /** The group of tenants; null for none. */
  group: string | null;
  /** When it last came due while the daemon lived; null while it never did. */
  due: string | null;
  /** Whether a run came of that, good or bad; null while it is not due or may still wait for its turn. */
  happened: boolean | null;
  next: string | null;
}

/** The scheduler may look so much later than it said: the machine is busy, or its clock was set. */
const LOOK_LATE_MS = 15_000;
/** A due run may begin so long after its time, and after the run that it waited for. */
const BEGIN_LATE_MS = 60_000;
/** Enough to find the newest run that was more than skipped. */
const RUNS_LOOKED_AT = 50;

/**
 * Healthy is a daemon whose scheduler looks at the clock, and whose last due run of each job has happened: begun, however it
 * ended. Whether backups are good and fresh is another question, which the heartbeat answers: a container that is restarted
 * because a database is down helps nobody.
 */
export function judgeHealth(
  pulse: Pulse | null,
  ledger: Pick<Ledger, 'recent' | 'ofGroup'>,
  now: Date,
): Health {
  if (pulse === null) {
    return {
      healthy: false,
      reason: 'no daemon has run with this state folder',
      hint: 'Start it with `docker compose up -d db_backup`, or see why it ended with `docker compose logs db_backup`.',
      lookedAt: null,
      jobs: [],
    };
  }
  const jobs = pulse.jobs.map((job) => jobHealth(job, ledger, now));
  const facts = { lookedAt: pulse.at, jobs };
  const [at, againBy] = [Date.parse(pulse.at), Date.parse(pulse.againBy)];
  // A time to come is a clock that was set back: the next look puts that right.
  if (now.getTime() > againBy + LOOK_LATE_MS || now.getTime() < at - LOOK_LATE_MS) {
    return {
      healthy: false,
      reason: `the scheduler looked at the clock at ${pulse.at} and not since; it meant to by ${pulse.againBy}`,
      hint: 'The daemon is stuck or gone: see `docker compose logs db_backup`, then `docker compose restart db_backup`.',
      ...facts,
    };
  }
  const missed = jobs.find(({ happened }) => happened === false);
  if (missed !== undefined) {
    return {
      healthy: false,
      reason: `${called(missed)} was due at ${missed.due} and has not run`,
      hint: `See why with \`holdfast history\` and \`docker compose logs db_backup\`; \`${makeUpCommand(missed.job, missed.source)}\` does it now.`,
      ...facts,
    };
  }
  const next = jobs.map((job) => `next ${called(job)} ${job.next ?? 'never'}`);
  const ago = humanDuration(now.getTime() - at);
  return {
    healthy: true,
    reason: [`the scheduler looked at the clock ${ago} ago`, ...next].join('; '),
    hint: null,
    ...facts,
  };
}

/** `tenant-backup of the group high of clinic` */
function called({ job, source, group }: JobHealth): string {
  return [
    job,
    ...(group === null ? [] : [`of the group ${group}`]),
    ...(source === null ? [] : [`of ${source}`]),
  ].join(' ');
}

function jobHealth(
  { name, source, group, due, next }: Pulse['jobs'][number],
  ledger: Pick<Ledger, 'recent' | 'ofGroup'>,
  now: Date,
): JobHealth {
  const runs =
    source !== null && group !== null
      ? ledger.ofGroup(name, source, group, RUNS_LOOKED_AT)
      : ledger.recent({ job: name, ...(source === null ? {} : { source }), limit: RUNS_LOOKED_AT });
  const happened = due === null ? null : hasHappened(runs, due, ledger, now);
  return { job: name, source, group, due, next, happened };
}

/** A run that was under way when the time came counts: the scheduler does not start a second one beside it. */
function hasHappened(all: Run[], due: string, ledger: Pick<Ledger, 'recent'>, now: Date): boolean | null {
  const runs = all.filter(({ result }) => result !== 'skipped');
  if (runs.some(({ finishedAt }) => finishedAt === null || finishedAt >= due)) return true;
  if (ledger.recent({ result: 'running', limit: 1 }).length > 0) return null;
  const waitedFor = ledger.recent({ limit: 1 })[0]?.finishedAt ?? due;
  const mayWaitSince = Math.max(Date.parse(due), Date.parse(waitedFor));
  return now.getTime() > mayWaitSince + BEGIN_LATE_MS ? false : null;
}
