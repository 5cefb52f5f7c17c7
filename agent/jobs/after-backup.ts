import type { JobName } from '../core/glossary.ts';

/** What one finished job says to the choice of the next. */
export interface Ended {
  name: JobName;
  succeeded: boolean;
}

/**
 * Which maintenance follows: retention, unless it is switched off, once any backup succeeded, then a check when the last one lies `checkInterval`
 * backups back. A night in which every backup failed forgets nothing.
 */
export function maintenanceAfter(
  ended: Ended[],
  backupsSinceCheck: number,
  { checkInterval, retention }: { checkInterval: number; retention: boolean },
): ('retention' | 'check')[] {
  const ran = (name: JobName) => ended.some((job) => job.name === name);
  const backedUp = ended.some((job) => job.name === 'backup' && job.succeeded);
  if (!backedUp || ran('check')) return [];
  if (retention && !ran('retention')) return ['retention'];
  return checkInterval > 0 && backupsSinceCheck >= checkInterval ? ['check'] : [];
}
