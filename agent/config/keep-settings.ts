import type { Path } from './problems.ts';
import type { Setting } from './setting.ts';

/** What there is to say of what retention keeps, whose group stands at this path. */
export function keepSettings(keep: Path): Setting[] {
  return [
    {
      variable: 'BACKUP_KEEP_DAILY',
      path: [...keep, 'daily'],
      form: 'number',
      meaning: 'Daily snapshots to keep.',
    },
    {
      variable: 'BACKUP_KEEP_WEEKLY',
      path: [...keep, 'weekly'],
      form: 'number',
      meaning: 'Weekly snapshots to keep.',
    },
    {
      variable: 'BACKUP_KEEP_MONTHLY',
      path: [...keep, 'monthly'],
      form: 'number',
      meaning: 'Monthly snapshots to keep.',
    },
    {
      variable: 'BACKUP_KEEP_YEARLY',
      path: [...keep, 'yearly'],
      form: 'number',
      meaning: 'Yearly snapshots to keep.',
    },
    {
      variable: 'BACKUP_KEEP_WITHIN',
      path: [...keep, 'within'],
      meaning:
        'Every snapshot that is not older than this is kept, counted from the newest: `48h`, `2d`, `1m15d`; `0` for none of that kind.',
    },
  ];
}
