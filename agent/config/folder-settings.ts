import type { Path } from './problems.ts';
import type { Setting } from './setting.ts';

/** What there is to say of dumps as a folder, of the source at this path. */
export function folderSettings(source: Path): Setting[] {
  return [
    {
      variable: 'BACKUP_FORMAT',
      path: [...source, 'format'],
      meaning:
        'What a PostgreSQL database is dumped as: `custom` (one archive, streamed), or `directory` (a file for each table, written by several connections and staged in the state folder; [tenants.md](tenants.md#dumps-as-a-folder)).',
    },
    {
      variable: 'BACKUP_JOBS',
      path: [...source, 'jobs'],
      form: 'number',
      meaning: 'How many connections dump or restore a database in the format `directory`.',
    },
  ];
}
