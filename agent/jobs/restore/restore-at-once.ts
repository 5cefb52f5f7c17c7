import { describeError } from '../../core/errors.ts';
import type { AtOnce, Hurdle, Inspector } from '../../sources/source.ts';
import { EndedRun } from '../job.ts';
import { checkRestored, type Checked } from './check-restored.ts';
import { ownersLeft } from './owners-left.ts';
import { giveTo } from './restore-load.ts';
import { clearUnfinished } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

const SIZE_TIMEOUT_MS = 60_000;

/**
 * Where no database can take another's place, and definitions obey transactions: everything in the target is dropped, loaded and compared
 * in one. A dump that does not load, a difference or a kill leaves it as it was, so it is not marked. `hurdle`: why there is no swap, to be told;
 * null where the target held nothing.
 */
export async function replaceAtOnce(
  restoration: Restoration,
  atOnce: AtOnce,
  hurdle: Hurdle | null,
): Promise<Done> {
  const { source, settings, context } = restoration;
  const { database } = source;
  let checked: Checked | undefined;
  const check = async (inspector: Inspector) => {
    checked = await checkRestored(restoration, database, { mayDiffer: false, inspector });
  };
  const { owners } = settings;
  let isCommitting = false;
  const onCommit = () => void (isCommitting = true);
  const restored = await giveTo(restoration, database, (dump, watching) =>
    atOnce.replace(dump, { owners, check, onCommit, ...watching }, context.signal),
  ).catch((error: unknown) => {
    throw isCommitting ? inDoubt(restoration, error) : error;
  });
  // What an older restore has left of it is gone.
  clearUnfinished(settings.notes, source.name);
  if (checked === undefined) throw new Error(`${database} was replaced without a check`);
  // It is done, whoever says stop now; for the next restore's estimate alone.
  const bytes = await source.sizeOf(database, AbortSignal.timeout(SIZE_TIMEOUT_MS)).catch(() => null);
  return {
    tables: checked.tables,
    rows: checked.rows,
    notes: [...restored.notes, ...checked.notes],
    warnings: [
      ...restored.warnings,
      ...checked.warnings,
      ...(hurdle === null
        ? []
        : [
            `it was replaced in one transaction, not by a new one beside which the old one stays: ${hurdle.detail}. ${hurdle.mend}`,
          ]),
      ...ownersLeft(restoration, restored, database),
    ],
    kept: null,
    databaseBytes: bytes ?? undefined,
  };
}

/** Where nobody knows whether it was done, that is what is told, and not that it was told to stop; what was made for it stays. */
function inDoubt({ snapshot }: Restoration, error: unknown): unknown {
  if (describeError(error).kind !== 'source_unreachable') return error;
  return new EndedRun('failed', error, { snapshotId: snapshot.id }, { stands: true });
}
