import type { App } from './app.ts';
import type { Run } from './ledger/ledger.ts';

type Reading = Pick<App, 'ledger' | 'clock'>;

const MAX_INTERRUPTIONS = 3;
const DAY_MS = 86_400_000;
/** Among so many there is one that was more than skipped. */
const BACK = 10 * MAX_INTERRUPTIONS;
/** Tenants are skipped, and verified by name, more often. */
const BACK_OF_TENANTS = 100 * MAX_INTERRUPTIONS;

/** Since when a job counts as done for every source that ever had it: the oldest of their newest runs. Null where none had. */
export function lastStart(app: Reading & Pick<App, 'sources'>, job: 'backup' | 'verify'): Date | null {
  const starts = app.sources.flatMap(({ name }) => {
    const runs = app.ledger.recent({ job, source: name, limit: BACK });
    return doneSince(runs.filter(hasBegun), app)?.getTime() ?? [];
  });
  return starts.length === 0 ? null : new Date(Math.min(...starts));
}

/** Since when the backup of what belongs to no tenant counts as done; null where it was never begun. */
export function lastStartOfGlobal(app: Reading, source: string): Date | null {
  const runs = app.ledger.recent({ job: 'global-backup', source, limit: BACK });
  return doneSince(runs.filter(hasBegun), app);
}

/** Since when the backup of a group of tenants counts as done; null where it was never begun. */
export function lastStartOfGroup(app: Reading, source: string, group: string): Date | null {
  const runs = app.ledger.ofGroup('tenant-backup', source, group, BACK_OF_TENANTS);
  return doneSince(runs.filter(hasBegun), app);
}

/** Since when the tenants of a source have had their turn to be verified; null where it never came. */
export function lastTurn(app: Reading, source: string): Date | null {
  const runs = app.ledger.recent({ job: 'tenant-verify', source, limit: BACK_OF_TENANTS });
  return doneSince(runs.filter(isTurn), app);
}

function hasBegun({ result }: Run): boolean {
  return result !== 'skipped';
}

/** One that a person asked for is no turn, unless all tenants had theirs; then it is one also where nothing could be tried. */
function isTurn(run: Run): boolean {
  return run.facts.byTurns === true || (run.trigger !== 'command' && hasBegun(run));
}

/**
 * One that was interrupted does not count, so that it is caught up at the next start; but after several in a row it may be
 * the job that ends the agent, and it waits for its time.
 */
function doneSince(newestFirst: Run[], { clock }: Reading): Date | null {
  const newest = newestFirst.slice(0, MAX_INTERRUPTIONS);
  if (newest.length === 0) return null;
  const ended = newest.find(({ result }) => result !== 'interrupted');
  if (ended !== undefined) return notAhead(new Date(ended.startedAt), clock.now());
  return newest.length < MAX_INTERRUPTIONS ? new Date(0) : clock.now();
}

/**
 * A run whose time is still to come was begun by a clock that was ahead. By hours, the fires up to then are known to have had their run; by days, to
 * believe it would mean no run until that time at every start.
 */
function notAhead(startedAt: Date, now: Date): Date {
  return startedAt.getTime() - now.getTime() > DAY_MS ? now : startedAt;
}
