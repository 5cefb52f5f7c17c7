import { HoldfastError } from '../core/errors.ts';
import { createBeside, forgetBeside } from './beside.ts';
import { checkRestored } from './check-restored.ts';
import { datedName, KEPT_FOR_MS, rememberKept } from './kept-database.ts';
import { ownersLeft } from './owners-left.ts';
import { loadInto } from './restore-load.ts';
import type { Done, Restoration } from './restore.ts';
import { clearUnfinished } from './unfinished-restore.ts';

const DROP_TIMEOUT_MS = 60_000;
/** From here on it is done or not done, and nobody may stop in between to ask which. */
const SWAP_TIMEOUT_MS = 120_000;

/**
 * Restores into a database beside the target, compares it with its proof, and only then puts it in the target's place. Until that moment
 * the target is not touched; whatever fails before costs the database beside it alone.
 */
export async function loadAndSwap(restoration: Restoration, there: boolean): Promise<Done> {
  const { source, settings, context } = restoration;
  const fresh = await createBeside(source, settings, context.signal);
  try {
    const restored = await loadInto(restoration, fresh);
    const checked = await checkRestored(restoration, fresh, { mayDiffer: false });
    context.signal.throwIfAborted();
    context.onProgress({
      step: `putting it in the place of ${source.database}`,
      dumpBytes: 0,
      storedBytes: 0,
    });
    const keep = there ? noteKept(restoration) : null;
    await source.swapIn({ fresh, keep }, AbortSignal.timeout(SWAP_TIMEOUT_MS));
    forgetBeside(settings.notes, source.name);
    clearUnfinished(settings.notes, source.name);
    const until = new Date(settings.now().getTime() + KEPT_FOR_MS).toISOString().slice(0, 10);
    return {
      tables: checked.tables,
      rows: checked.rows,
      notes: [
        ...restored.notes,
        ...checked.notes,
        ...(keep === null ? [] : [`the old one is ${keep} until ${until}`]),
      ],
      warnings: [...checked.warnings, ...ownersLeft(restoration, restored, source.database)],
      kept: keep,
      databaseBytes: checked.databaseBytes,
    };
  } catch (error) {
    await dropAgain(restoration, fresh, error);
    throw error;
  }
}

/** Before the swap: what a killed agent did, the next one must know of. */
function noteKept({ source, settings }: Restoration): string {
  const name = datedName(source.database, settings.now());
  rememberKept(settings.notes, source.name, { name, at: settings.now().toISOString() });
  return name;
}

async function dropAgain({ source, settings }: Restoration, fresh: string, error: unknown): Promise<void> {
  try {
    await source.dropDatabase(fresh, AbortSignal.timeout(DROP_TIMEOUT_MS));
    forgetBeside(settings.notes, source.name);
  } catch (failure) {
    // Still noted: the next run drops it.
    if (!(error instanceof HoldfastError)) throw error;
    const said = failure instanceof Error ? failure.message : String(failure);
    throw new HoldfastError(error.kind, `${error.message} (and ${fresh} could not be dropped yet: ${said})`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}
