import { HoldfastError } from '../../core/errors.ts';
import type { Hurdle } from '../../sources/source.ts';
import { ownersLeft } from './owners-left.ts';
import { tryBeside } from './restore-in-place.ts';
import { loadInto } from './restore-load.ts';
import { endUnfinished, markUnfinished, restoreAgain, type Unfinished } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

/**
 * Replaces some tables of the target by those of the dump, which were seen to load into a database beside first. PostgreSQL drops and loads
 * them in one transaction; MySQL and MariaDB know none for that, so the target is marked meanwhile. `hurdle`: why they are not swapped there;
 * null for PostgreSQL.
 */
export async function replaceTables(
  restoration: Restoration,
  tables: string[],
  hurdle: Hurdle | null,
): Promise<Done> {
  const { source, snapshot, rowsIn, settings, context } = restoration;
  const tried = await tryBeside(restoration);
  const isAtOnce = hurdle === null;
  const mark: Unfinished = {
    snapshot: snapshot.shortId,
    at: settings.now().toISOString(),
    tables,
    ...(settings.inPlace ? { inPlace: true } : {}),
    ...(settings.unverified ? { unverified: true } : {}),
  };
  if (!isAtOnce) markUnfinished(settings.notes, source.name, mark);
  try {
    const restored = await loadInto(restoration, source.database, { replace: true });
    if (!isAtOnce) endUnfinished(settings.notes, source.name);
    const { tables: found } = await source.inspect(source.database, context.signal);
    const replaced = found.filter(({ name }) => rowsIn.includes(name));
    return {
      tables: replaced.length,
      rows: replaced.reduce((total, table) => total + table.rows, 0),
      notes: [
        ...(isAtOnce ? [] : [`dropped and loaded one after another, not swapped: ${hurdle.detail}`]),
        'everything else is as it was',
        ...restored.notes,
        ...tried.notes,
      ],
      warnings: [...tried.warnings, ...ownersLeft(restoration, restored, tables.join(', '))],
      kept: null,
      databaseBytes: undefined,
    };
  } catch (error) {
    if (isAtOnce || !(error instanceof HoldfastError)) throw error;
    throw new HoldfastError(
      'restore_failed',
      `${tables.join(', ')} in ${source.database} may not be whole: ${error.message}`,
      {
        hint: `Mend the cause, then run \`${restoreAgain(source.name, mark)}\` again.`,
        cause: error,
      },
    );
  }
}
