import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError, describeError } from './core/errors.ts';
import { BACKUP_JOBS } from './core/glossary.ts';
import { counted } from './core/units.ts';
import type { Ledger, Run } from './ledger/ledger.ts';
import type { Repository, Snapshot } from './repository/repository.ts';

interface Deps {
  repository: Repository;
  ledger: Ledger;
  runtimeDir: string;
  /** Whether this agent has stored into the repository with this id. */
  isFamiliar: (repositoryId: string) => boolean;
  /** Of a source's snapshots those that another server stores under the same names. */
  strangersIn: (source: string, snapshots: Snapshot[]) => Snapshot[];
  /** No run lasts longer, so that what it left is no younger than this after its start. */
  backupTimeoutMs: number;
  /** Between two looks at dead locks that another program keeps from being removed. */
  lockPauseMs: number;
  tell: (finding: string) => void;
}

/**
 * Puts in order what earlier runs left behind: the locks of a killed agent, files in the runtime folder, and a snapshot
 * that restic may have saved although nobody confirmed it, be it that the agent was killed or that a failed run could not
 * clean up. Called under the run lock. What cannot be done now (the repository is away) is said and tried again before
 * the next run; it never keeps a backup from running.
 */
export async function recoverLeftovers(interrupted: Run[], deps: Deps, signal: AbortSignal): Promise<void> {
  const { repository, ledger, tell } = deps;
  for (const run of interrupted) {
    const source = run.source === null ? '' : ` of ${run.source}`;
    tell(`${run.job}${source}, begun ${run.startedAt}, was interrupted: the agent died`);
  }
  await rm(deps.runtimeDir, { recursive: true, force: true });
  const doubtful = doubtfulBackups(ledger);
  const maybeLocked = interrupted.length > 0 || ledger.recall(LOCKS_LEFT) === 'yes';
  if (doubtful.length === 0 && !maybeLocked) return;
  try {
    // Another server's repository, behind a mistaken location, holds nothing that is ours to remove.
    if (!deps.isFamiliar(await repository.reach(signal))) return;
    if (maybeLocked) await clearLocks(deps, signal);
    for (const run of doubtful) {
      const ofSource = doubtful.filter(({ source }) => source === run.source);
      await removeUnconfirmed(run, ofSource, deps, signal);
    }
    const newest = doubtful[0];
    if (newest !== undefined) ledger.remember(SWEPT, String(newest.id));
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'repository_absent') return;
    tell(`what an earlier run left in the repository is not cleaned up yet: ${describeError(error).message}`);
  }
}

/** Whether dead locks could not be removed, as another program was at work in the repository. */
const LOCKS_LEFT = 'dead locks left';
const LOCKS_TRIES = 4;

/** Whatever was killed may have left a lock: that of a prune keeps even a restore out. */
async function clearLocks(
  { repository, ledger, tell, lockPauseMs }: Deps,
  signal: AbortSignal,
): Promise<void> {
  ledger.remember(LOCKS_LEFT, 'yes');
  for (let tries = 1; ; tries++) {
    const { removed, left } = await repository.clearDeadLocks(signal);
    if (removed > 0) tell(`removed ${counted(removed, 'dead lock')} from the repository`);
    if (left === 0) return ledger.remember(LOCKS_LEFT, 'no');
    // Mostly somebody's `restic snapshots`, which is over in a moment.
    if (tries === LOCKS_TRIES) return;
    await delay(lockPauseMs, undefined, { signal });
  }
}

/** The newest backup whose traces were looked for. */
const SWEPT = 'swept up to run';
const MOST_SWEEPS = 100;

/** Backups that ended badly and whose traces were not looked for yet, newest first. */
function doubtfulBackups(ledger: Ledger): Run[] {
  const swept = Number(ledger.recall(SWEPT) ?? 0);
  return BACKUP_JOBS.flatMap((job) => ledger.recent({ job, limit: MOST_SWEEPS }))
    .toSorted((one, other) => other.id - one.id)
    .filter((run) => run.id > swept && (run.result === 'failed' || run.result === 'interrupted'));
}

async function removeUnconfirmed(
  run: Run,
  doubtful: Run[],
  { repository, ledger, tell, strangersIn, backupTimeoutMs }: Deps,
  signal: AbortSignal,
): Promise<void> {
  const source = run.source ?? '';
  // One that failed for some tenants has stored the others.
  const confirmed = BACKUP_JOBS.flatMap((job) => ledger.recent({ job, source, limit: 1000 })).filter(
    ({ facts }) => facts.snapshotIds !== undefined,
  );
  const good = new Set(confirmed.flatMap(({ facts }) => facts.snapshotIds ?? []));
  const goodStarts = confirmed.map(({ startedAt }) => Date.parse(startedAt));
  const snapshots = await repository.list({ source }, signal);
  const unknown = snapshots.filter(
    // A restore point has the time of the dump that it must stay behind, and was confirmed by a restore.
    ({ id, tags }) => tags?.kind !== 'restore-point' && !good.has(id),
  );
  const mayBeOf = (one: Run, { time }: Snapshot) => {
    const { from, until } = timesOf(one, goodStarts, backupTimeoutMs);
    return Date.parse(time) >= from && Date.parse(time) < until;
  };
  const strays = unknown.filter((snapshot) => mayBeOf(run, snapshot));
  if (strays.length === 0) return;
  const others = unknown.filter((snapshot) => !doubtful.some((one) => mayBeOf(one, snapshot)));
  const why = whyKept({ good, others, strangers: strangersIn(source, snapshots) });
  if (why !== null) {
    return tell(
      `left ${counted(strays.length, 'snapshot')} of ${source} that no finished run had confirmed: ${why}`,
    );
  }
  await repository.remove(
    strays.map((snapshot) => snapshot.id),
    signal,
  );
  tell(`removed ${counted(strays.length, 'snapshot')} of ${source} that no finished run had confirmed`);
}

/** The times that a snapshot of a run that ended badly can bear. */
function timesOf(
  { startedAt, finishedAt, result }: Run,
  goodStarts: number[],
  backupTimeoutMs: number,
): { from: number; until: number } {
  // What belongs to a dump has a time that is cut to the second.
  const from = Math.floor(Date.parse(startedAt) / 1000) * 1000;
  // Where the clock was put back meanwhile, its end says nothing. One that was killed ended when nobody knows.
  const ended = result === 'failed' && finishedAt !== null ? Date.parse(finishedAt) + 1000 : Infinity;
  // Never without an end: on a clock that was behind, every snapshot that this ledger does not know lies after `from`.
  const until = Math.min(
    from + backupTimeoutMs,
    ended > from ? ended : Infinity,
    ...goodStarts.filter((time) => time > from),
  );
  return { from, until };
}

/** Why what a run may have left is left alone, as a sentence part: it may be another server's, and good. */
function whyKept(what: {
  good: Set<string>;
  /** Neither confirmed nor of the time of a run that ended badly. */
  others: Snapshot[];
  strangers: Snapshot[];
}): string | null {
  if (what.strangers.length > 0) return 'another server stores under the same names';
  // Who has stored nothing yet cannot tell those of a living server from its own.
  if (what.good.size > 0 || what.others.length === 0) return null;
  return 'this agent has stored nothing here yet, and others lie under its names';
}
