import type { Logger } from 'pino';
import { rm } from 'node:fs/promises';
import { HoldfastError, describeError } from './core/errors.ts';
import type { Ledger, Run } from './ledger/ledger.ts';
import type { Repository } from './repository/repository.ts';

interface Deps {
  repository: Repository;
  ledger: Ledger;
  runtimeDir: string;
  /** No run lasts longer, so that what it left is no younger than this after its start. */
  backupTimeoutMs: number;
  log: Logger;
}

/**
 * Puts in order what a killed agent left behind: its locks in the repository, a snapshot that restic may have saved
 * although nobody confirmed it, files in the runtime folder. Called under the run lock. What cannot be done now (the
 * repository is away) is said and tried again at the next start; it never keeps a backup from running.
 */
export async function recoverLeftovers(interrupted: Run[], deps: Deps, signal: AbortSignal): Promise<void> {
  const { repository, ledger, log } = deps;
  for (const run of interrupted) {
    const source = run.source === null ? '' : ` of ${run.source}`;
    log.warn(
      { run: run.id, job: run.job },
      `${run.job}${source}, begun ${run.startedAt}, was interrupted: the agent died`,
    );
  }
  await rm(deps.runtimeDir, { recursive: true, force: true });
  const pending = pendingSweeps(ledger, interrupted);
  // Whatever ran may have left a lock: that of a killed prune keeps even a restore out.
  if (pending.length === 0 && interrupted.length === 0) return;
  try {
    const locks = await repository.clearDeadLocks(signal);
    if (locks > 0) log.warn(`removed ${locks} dead locks from the repository`);
    await removeUnconfirmed(pending, deps, signal);
    ledger.remember(PENDING, '[]');
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'repository_absent') return;
    log.warn(
      `what the interrupted run left in the repository is not cleaned up yet: ${describeError(error).message}`,
    );
  }
}

const PENDING = 'interrupted runs to sweep';

interface Sweep {
  source: string;
  startedAt: string;
}

/** Interrupted backups whose traces are still to be removed, these and those of earlier starts. */
function pendingSweeps(ledger: Ledger, interrupted: Run[]): Sweep[] {
  const before = JSON.parse(ledger.recall(PENDING) ?? '[]') as Sweep[];
  const now = interrupted.flatMap((run) =>
    run.source === null ? [] : [{ source: run.source, startedAt: run.startedAt }],
  );
  const all = [...before, ...now];
  if (now.length > 0) ledger.remember(PENDING, JSON.stringify(all));
  return all;
}

async function removeUnconfirmed(
  pending: Sweep[],
  { repository, ledger, log, backupTimeoutMs }: Deps,
  signal: AbortSignal,
): Promise<void> {
  for (const { source, startedAt } of pending) {
    const confirmed = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: 1000 });
    const good = new Set(confirmed.flatMap((run) => run.facts.snapshotIds ?? []));
    const from = Date.parse(startedAt);
    // Never without an end: on a clock that was behind, every snapshot that this ledger does not know lies after `from`.
    const until = Math.min(
      from + backupTimeoutMs,
      ...confirmed.map((run) => Date.parse(run.startedAt)).filter((time) => time > from),
    );
    const strays = (await repository.list({ source }, signal)).filter((snapshot) => {
      const time = Date.parse(snapshot.time);
      return !good.has(snapshot.id) && time >= from && time < until;
    });
    if (strays.length === 0) continue;
    await repository.remove(
      strays.map((snapshot) => snapshot.id),
      signal,
    );
    log.warn({ source }, `removed ${strays.length} snapshots that no finished run had confirmed`);
  }
}
