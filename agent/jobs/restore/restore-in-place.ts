import { HoldfastError } from '../../core/errors.ts';
import type { Hurdle, Source } from '../../sources/source.ts';
import { createBeside, forgetBeside } from './beside.ts';
import { checkRestored, type Checked } from './check-restored.ts';
import { proveReadable } from './load.ts';
import { ownersLeft } from './owners-left.ts';
import { loadInto } from './restore-load.ts';
import { clearUnfinished, markUnfinished, restoreAgain, type Unfinished } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;

/**
 * Where no database can take another's place and definitions obey no transaction (MySQL, MariaDB): the dump is loaded into a database beside
 * first, compared, and dropped again; only what was seen to load is then loaded into the target, which is emptied for it. Killed in between
 * it leaves a part, so the target is marked until it is whole. `hurdle`: why it cannot, to be told; null where the target held nothing.
 */
export async function tryAndReplace(restoration: Restoration, hurdle: Hurdle | null): Promise<Done> {
  const { source, settings, context } = restoration;
  const tried = await tryBeside(restoration, { canLose: hurdle !== null });
  const restored = await replace(restoration);
  const inventory = await source.inspect(source.database, context.signal);
  clearUnfinished(settings.notes, source.name);
  return {
    tables: inventory.tables.length,
    rows: inventory.tables.reduce((total, table) => total + table.rows, 0),
    notes: [...restored.notes, ...tried.notes],
    warnings: [
      ...restored.warnings,
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
 * Loads the dump into a database beside the target, compares and drops it. Where this user may make none it throws `rights_missing` with
 * the statement that mends it, or, where it was said that it may go without or nothing is there that could be lost, has the snapshot read
 * whole instead.
 */
export async function tryBeside(
  restoration: Restoration,
  { canLose = true }: { canLose?: boolean } = {},
): Promise<Pick<Checked, 'notes' | 'warnings' | 'databaseBytes'>> {
  const { source, snapshot, settings, context } = restoration;
  let fresh: string;
  try {
    ({ fresh } = await createBeside(source, settings, context.signal));
  } catch (error) {
    forgetBeside(settings.notes, source.name);
    if (!(error instanceof HoldfastError) || error.kind !== 'rights_missing') throw error;
    const mayBeUntried = source.atOnce === undefined ? settings.inPlace : settings.unverified;
    if (canLose && !mayBeUntried) throw untried(source, error);
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

function untried({ database, atOnce }: Source, error: HoldfastError): HoldfastError {
  const without =
    atOnce === undefined
      ? `add --in-place: what fails to load then leaves ${database} not whole until a restore is run again.`
      : 'add --unverified: what fails to load is undone, but nothing is compared with the proof.';
  return new HoldfastError(
    error.kind,
    `the dump cannot be loaded and compared beside first: ${error.message}; ${database} was not touched`,
    { hint: `${error.hint ?? ''} To do without, ${without}`.trim(), cause: error },
  );
}

async function replace(restoration: Restoration) {
  const { source, snapshot, settings, context } = restoration;
  const mark: Unfinished = {
    snapshot: snapshot.shortId,
    at: settings.now().toISOString(),
    inPlace: true,
    ...(settings.unverified ? { unverified: true } : {}),
  };
  markUnfinished(settings.notes, source.name, mark);
  await source.emptyDatabase(source.database, context.signal);
  try {
    return await loadInto(restoration, source.database, { forGood: true });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new HoldfastError('restore_failed', `${source.database} was emptied and is not whole: ${said}`, {
      hint: `Mend the cause, then run \`${restoreAgain(source.name, mark)} --no-restore-point\` again.`,
      cause: error,
    });
  }
}
