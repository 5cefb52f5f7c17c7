import type { App } from '../app.ts';
import type { Run } from '../ledger/ledger.ts';
import { isMaintenanceLate, lastMaintenance, watchedMaintenance } from '../reports/maintenance.ts';
import type { SourceLine } from './source-line.ts';

/** How a job of the repository stands, as `status --json` prints it: stable. */
export interface MaintenanceLine {
  job: 'retention' | 'check' | 'verify';
  /** When the newest that succeeded ended, of verifications whichever source's. */
  lastSuccess: string | null;
  /** Whether that, or without one the first backup, is longer ago than the schedule lets expect; of verifications, of any source. */
  overdue: boolean;
  lastRun: Run | null;
}

export function maintenanceOf(
  { config, clock, ledger, repositoryId }: App,
  backupSeconds: number | null,
): MaintenanceLine[] {
  return (['retention', 'check'] as const).map((job) => {
    const watched = watchedMaintenance(ledger, job, {
      ...config,
      inRepository: repositoryId(),
      backupSeconds,
    });
    const overdue = isMaintenanceLate(watched, clock.now());
    return { job, lastSuccess: watched.lastSuccess, overdue, lastRun: lastMaintenance(ledger, job) };
  });
}

export function verificationsOf({ ledger }: App, sources: SourceLine[]): MaintenanceLine {
  const [newest, good] = [{}, { result: 'succeeded' as const }].map(
    (filter) => ledger.recent({ job: 'verify', limit: 1, ...filter })[0] ?? null,
  );
  return {
    job: 'verify',
    lastSuccess: good?.finishedAt ?? null,
    overdue: sources.some(({ verification }) => verification.overdue),
    lastRun: newest ?? null,
  };
}

/** That the last good one is too long ago, a warning; of verifications each source has its own. */
export function lateMaintenance({ job, overdue, lastSuccess }: MaintenanceLine): string[] {
  if (!overdue || job === 'verify') return [];
  const last = lastSuccess === null ? 'there was none yet' : `the last one ended at ${lastSuccess}`;
  const command = job === 'check' ? 'holdfast check' : 'holdfast prune';
  return [
    `warning: no ${job} was good for longer than the schedule lets expect (${last}): see why with \`holdfast history\`, and run \`${command}\``,
  ];
}
