import { HoldfastError } from '../../core/errors.ts';
import { checkRestored } from './check-restored.ts';
import { ownersLeft } from './owners-left.ts';
import { loadInto } from './restore-load.ts';
import { clearUnfinished, markUnfinished } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;

/**
 * Restores into a database that is not there yet, and drops it again when it does not become whole. A difference from the proof is a
 * warning: this is how one looks at a dump that is doubted.
 */
export async function intoNew(restoration: Restoration, name: string): Promise<Done> {
  const { source, snapshot, settings, context } = restoration;
  const isOwn = name === source.database;
  const lacks = await source.createDatabase(name, context.signal, restoration.dumped.made);
  // A backup of the rest that a kill leaves would count as good.
  if (isOwn) {
    markUnfinished(settings.notes, source.name, {
      snapshot: snapshot.shortId,
      at: settings.now().toISOString(),
    });
  }
  try {
    const restored = await loadInto(restoration, name, { fresh: true, forGood: isOwn });
    const checked = await checkRestored(restoration, name, { mayDiffer: !isOwn });
    if (isOwn) clearUnfinished(settings.notes, source.name);
    return {
      tables: checked.tables,
      rows: checked.rows,
      notes: [...restored.notes, ...checked.notes],
      warnings: [
        ...lacks,
        ...restored.warnings,
        ...checked.warnings,
        ...ownersLeft(restoration, restored, name),
      ],
      kept: null,
      databaseBytes: checked.databaseBytes,
    };
  } catch (error) {
    // We made it, and it holds an unknown part of the dump: nothing half restored may be taken for whole.
    await source.dropDatabase(name, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch((failure: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      throw new HoldfastError(
        'restore_failed',
        `${name} could not be dropped again and is not whole: ${said}`,
        { hint: `Drop ${name} by hand.`, cause: failure },
      );
    });
    if (isOwn) clearUnfinished(settings.notes, source.name);
    throw error;
  }
}
