import { HoldfastError, describeError } from '../../core/errors.ts';
import type { Restored, Source } from '../../sources/source.ts';
import { createBeside, forgetBeside } from './beside.ts';
import { checkRestored } from './check-restored.ts';
import { datedName, KEPT_FOR_MS, rememberKept } from './kept-database.ts';
import { ownersLeft } from './owners-left.ts';
import { loadInto } from './restore-load.ts';
import { settleUnfinishedSwap } from './settle-swap.ts';
import { endUnfinished, markUnfinished, unfinishedSwap } from './unfinished-restore.ts';
import type { Done, Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;
const LOOK_TIMEOUT_MS = 10_000;
/** From here on it is done or not done, and nobody may stop in between to ask which. */
const SWAP_TIMEOUT_MS = 10 * 60_000;

/**
 * Restores into a database beside the target, compares it with its proof, and only then puts it, or the chosen tables, in the target's place. Until that moment
 * the target is not touched; whatever fails before costs the database beside it alone.
 */
export async function loadAndSwap(restoration: Restoration, there: boolean): Promise<Done> {
  const { source, settings, context } = restoration;
  const { fresh, lacks } = await createBeside(source, settings, context.signal, restoration.dumped.made);
  try {
    const restored = await loadInto(restoration, fresh, { fresh: true, forGood: true });
    const checked = await checkRestored(restoration, fresh, { mayDiffer: false });
    // A new database has no statistics, and the first queries in it would be planned blindly. The tables that MySQL's way moves bring theirs.
    if (source.renames) await source.analyze(fresh, context.signal);
    const undressed = there ? [] : await dress(restoration, fresh, restored);
    context.signal.throwIfAborted();
    context.onProgress({
      step: `putting it in the place of ${source.database}`,
      dumpBytes: 0,
      storedBytes: 0,
    });
    const keep = there ? noteKept(restoration) : null;
    const ofSome = restoration.tables !== null;
    const swapped = await swap(restoration, { fresh, keep, loaded: restored, ofSome });
    forgetBeside(settings.notes, source.name);
    const kept = keep !== null && (!ofSome || (await isThere(source, keep))) ? keep : null;
    const until = new Date(settings.now().getTime() + KEPT_FOR_MS).toISOString().slice(0, 10);
    return {
      tables: checked.tables,
      rows: checked.rows,
      notes: [
        ...(ofSome ? ['everything else is as it was'] : []),
        ...restored.notes,
        ...checked.notes,
        ...(kept === null ? [] : [toldKept(restoration, kept, until)]),
      ],
      warnings: [
        ...restored.warnings,
        ...checked.warnings,
        ...lacks,
        ...undressed,
        ...swapped,
        ...ownersLeft(restoration, restored, restoration.tables?.join(', ') ?? source.database),
      ],
      kept,
      databaseBytes: checked.databaseBytes,
    };
  } catch (error) {
    // What a swap has left is put in order first, and that drops it.
    if (unfinishedSwap(settings.notes, source.name) === null) await dropAgain(restoration, fresh, error);
    throw error;
  }
}

/** Of some tables that were not there before, nothing is kept. It is done by then, whatever this answers. */
async function isThere(source: Source, keep: string): Promise<boolean> {
  const names = await source.listDatabases(keep, AbortSignal.timeout(LOOK_TIMEOUT_MS)).catch(() => [keep]);
  return names.includes(keep);
}

function toldKept({ tables }: Restoration, keep: string, until: string): string {
  return tables === null
    ? `the old one is ${keep} until ${until}`
    : `the old ones are in ${keep} until ${until}`;
}

/** Where there is an old one, it has of that one what a database has as a whole. */
async function dress(
  { source, dumped: { traits }, context }: Restoration,
  fresh: string,
  { ownersKept }: Restored,
): Promise<string[]> {
  const given = traits.filter(({ isRight }) => ownersKept || !isRight);
  return (await source.roles?.giveTraits(fresh, given, context.signal)) ?? [];
}

/** Under a mark, by which the next command knows what to put in order if this one cannot. Returns warnings. */
async function swap(
  { source, snapshot, tables, settings, context }: Restoration,
  what: Parameters<Source['planSwap']>[0],
): Promise<string[]> {
  const { notes } = settings;
  const plan = await source.planSwap(what, context.signal);
  markUnfinished(notes, source.name, {
    snapshot: snapshot.shortId,
    at: settings.now().toISOString(),
    ...(tables === null ? {} : { tables }),
    swap: plan,
  });
  try {
    const warnings = await source.swapIn(plan, AbortSignal.timeout(SWAP_TIMEOUT_MS));
    endUnfinished(notes, source.name);
    return warnings;
  } catch (error) {
    const end = await settleUnfinishedSwap(source, notes, AbortSignal.timeout(SWAP_TIMEOUT_MS)).catch(
      (failure: unknown) => {
        throw notSettled(source, error, failure);
      },
    );
    if (end === 'undone') throw error;
    return [`it took a second try to put it in its place: ${describeError(error).message}`];
  }
}

function notSettled({ name, database }: Source, error: unknown, failure: unknown): HoldfastError {
  const { message } = describeError(error);
  return new HoldfastError(
    'restore_failed',
    `${database} may be between its old state and the new one: ${message} (${describeError(failure).message})`,
    {
      hint: `Mend the cause; each command that changes something, such as \`holdfast backup ${name}\`, first ends the swap or undoes it.`,
      cause: error,
    },
  );
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
