import type { Restored } from '../../sources/source.ts';
import type { Restoration } from './restoration.ts';

/** The warning that everything has another owner than before, where nobody asked for that; as a list of none or one. */
export function ownersLeft(
  { snapshot, settings }: Restoration,
  restored: Pick<Restored, 'ownersKept'>,
  database: string,
): string[] {
  if (restored.ownersKept || settings.owners === 'leave' || snapshot.tags?.engine !== 'postgres') return [];
  return [
    `everything in ${database} belongs to the user that restored it, and rights that others had are gone: only a superuser can restore both (docs/runbook.md, "PostgreSQL")`,
  ];
}
