import { HoldfastError } from '../../core/errors.ts';
import type { Hurdle } from '../../sources/source.ts';
import { createBeside, forgetBeside } from './beside.ts';
import { checkRestored, type Checked } from './check-restored.ts';
import { proveReadable } from './load.ts';
import { ownersLeft } from './owners-left.ts';
import { loadInto } from './restore-load.ts';
import { clearUnfinished, markUnfinished, withdrawUnfinished } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;

/**
 * Where no database can take another's place: the dump is loaded into a database beside first, compared, and dropped again; only what
 * was seen to load is then loaded into the target, which is emptied for it. While that lasts the target is marked. `hurdle`: why it
 * cannot, to be told; null where the target held nothing.
 */
export async function tryAndReplace(restoration: Restoration, hurdle: Hurdle | null): Promise<Done> {
  const { source, settings, context } = restoration;
  const tried = await tryBeside(restoration);
  const restored = await replace(restoration);
  const inventory = await source.inspect(source.database, context.signal);
  clearUnfinished(settings.notes, source.name);
  return {
    tables: inventory.tables.length,
    rows: inventory.tables.reduce((total, table) => total + table.rows, 0),
    notes: [...restored.notes, ...tried.notes],
    warnings: [
      ...tried.warnings,
      ...(hurdle === null
        ? []
        : [
            `it was emptied and loaded, not replaced by a new one at one moment: ${hurdle.detail}. ${hurdle.mend}`,
          ]),
      ...ownersLeft(restoration, restored, source.database),
    ],
    kept: null,
    databaseBytes: tried.databaseBytes,
  };
}

/**
 * Loads the dump into a database beside the target, compares and drops it. Whoever may make no database has the snapshot read whole
 * instead, which finds a damaged one but no statement that fails.
 */
export async function tryBeside(
  restoration: Restoration,
): Promise<Pick<Checked, 'notes' | 'warnings' | 'databaseBytes'>> {
  const { source, snapshot, settings, context } = restoration;
  let fresh: string;
  try {
    fresh = await createBeside(source, settings, context.signal);
  } catch (error) {
    forgetBeside(settings.notes, source.name);
    if (!(error instanceof HoldfastError) || error.kind !== 'rights_missing') throw error;
    await proveReadable(settings.repository, snapshot, context.onProgress, context.signal);
    return {
      notes: [],
      warnings: [
        `it was not loaded beside first and not compared: ${error.message}. ${error.hint ?? ''}`.trim(),
      ],
    };
  }
  try {
    await loadInto(restoration, fresh, { fresh: true });
    return await checkRestored(restoration, fresh, { mayDiffer: false });
  } finally {
    // What cannot be dropped now is still noted: the next run drops it.
    await source
      .dropDatabase(fresh, AbortSignal.timeout(DROP_TIMEOUT_MS))
      .then(() => forgetBeside(settings.notes, source.name))
      .catch(() => undefined);
  }
}

async function replace(restoration: Restoration) {
  const { source, snapshot, settings, context } = restoration;
  const at = settings.now().toISOString();
  markUnfinished(settings.notes, source.name, { snapshot: snapshot.shortId, at });
  try {
    await source.emptyDatabase(source.database, context.signal);
  } catch (error) {
    // PostgreSQL empties in one transaction: it is as it was.
    if (snapshot.tags?.engine === 'postgres') withdrawUnfinished(settings.notes, source.name);
    throw error;
  }
  try {
    return await loadInto(restoration, source.database);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new HoldfastError('restore_failed', `${source.database} was emptied and is not whole: ${said}`, {
      hint: `Mend the cause, then run \`holdfast restore ${source.name} --snapshot ${snapshot.shortId} --yes --no-restore-point\` again.`,
      cause: error,
    });
  }
}
