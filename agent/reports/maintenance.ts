import type { Ledger, Run } from '../ledger/ledger.ts';
import { overdueAfter } from './overdue.ts';

type MaintenanceJob = 'retention' | 'check';

/** What the age of a job of the whole repository is measured from: the same for the page, `status.json` and `holdfast status`. */
export interface WatchedMaintenance {
  /** When the newest good one ended; null for none. */
  lastSuccess: string | null;
  /** When the first backup began, from which on one is awaited; null for none. */
  awaitedSince: string | null;
  /** The age from which it is overdue: of as many backups as it follows, by the schedule's widest gap, and a quarter. Null where it never comes. */
  overdueAfterSeconds: number | null;
}

export interface MaintenanceSchedule {
  sources: { name: string }[];
  inRepository: string | null;
  /** The widest gap of the backups' schedule; null where none comes. */
  backupSeconds: number | null;
  /** Whether old snapshots are removed at all. */
  retention: boolean;
  /** After how many backups a check comes; 0 for never. */
  checkInterval: number;
}

export function watchedMaintenance(
  ledger: Pick<Ledger, 'recent' | 'firstBackup'>,
  job: MaintenanceJob,
  schedule: MaintenanceSchedule,
): WatchedMaintenance {
  const { sources, inRepository, backupSeconds } = schedule;
  const first = sources.flatMap(({ name }) => ledger.firstBackup(name, inRepository)?.startedAt ?? []);
  const backups = backupsFor(job, schedule);
  return {
    lastSuccess: lastMaintenance(ledger, job, 'succeeded')?.finishedAt ?? null,
    awaitedSince: first.toSorted()[0] ?? null,
    overdueAfterSeconds: overdueAfter(
      backupSeconds === null || backups === 0 ? null : backupSeconds * backups,
    ),
  };
}

/** The newest of a job of the whole repository. A dry run is none: it shows nothing, and what failed before it still stands. */
export function lastMaintenance(
  ledger: Pick<Ledger, 'recent'>,
  job: MaintenanceJob,
  result?: 'succeeded',
): Run | null {
  const newest = ledger.recent({ job, limit: LOOK_BACK, ...(result === undefined ? {} : { result }) });
  return newest.find(({ facts }) => facts.dryRun !== true) ?? null;
}

/** Whether the last good one, or without one the first backup, is longer ago than may be. */
export function isMaintenanceLate(
  { lastSuccess, awaitedSince, overdueAfterSeconds }: WatchedMaintenance,
  now: Date,
): boolean {
  const from = lastSuccess ?? awaitedSince;
  if (overdueAfterSeconds === null || from === null) return false;
  return now.getTime() - Date.parse(from) > overdueAfterSeconds * 1000;
}

/** Nobody looks at what would go so many times in a row. */
const LOOK_BACK = 100;

function backupsFor(job: MaintenanceJob, { retention, checkInterval }: MaintenanceSchedule): number {
  if (job === 'check') return checkInterval;
  return retention ? 1 : 0;
}
