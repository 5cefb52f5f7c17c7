import { BACKUP_JOBS, type JobName } from '../../core/glossary.ts';

/** What one finished job says to the choice of the next. */
export interface Ended {
  name: JobName;
  succeeded: boolean;
}

/** What the configuration and the ledger say of the maintenance behind a backup. */
export interface Due {
  checkInterval: number;
  backupsSinceCheck: number;
  retention: boolean;
  /** Whether the ledger has not been stored for about a day. */
  ledger: boolean;
}

/**
 * Which maintenance follows: retention, unless it is switched off, once any backup succeeded (of tenants, too), then a check when the last one lies
 * `checkInterval` backups back, and at last the ledger, with all that these had to tell. A night in which every backup failed
 * forgets nothing.
 */
export function maintenanceAfter(ended: Ended[], due: Due): ('retention' | 'check' | 'ledger')[] {
  const ran = (name: JobName) => ended.some((job) => job.name === name);
  const backedUp = ended.some((job) => BACKUP_JOBS.some((name) => job.name === name) && job.succeeded);
  if (!backedUp || ran('ledger')) return [];
  if (due.retention && !ran('retention') && !ran('check')) return ['retention'];
  const checkIsDue = due.checkInterval > 0 && due.backupsSinceCheck >= due.checkInterval;
  if (checkIsDue && !ran('check')) return ['check'];
  return due.ledger ? ['ledger'] : [];
}
