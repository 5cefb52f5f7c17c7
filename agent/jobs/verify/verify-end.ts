import { describeError, HoldfastError } from '../../core/errors.ts';
import type { RunFacts, VerificationFacts } from '../../ledger/ledger.ts';
import type { ScratchServer } from '../../sources/scratch.ts';
import { EndedRun } from '../job.ts';
import { isBroken, notRun, whyLost, whyNothingShown } from './not-run.ts';
import type { Steps } from '../steps.ts';

/** The end of a verification in which something failed: failed, or not run where that says nothing of the snapshot. */
export async function endOf(
  error: unknown,
  opened: ScratchServer,
  facts: RunFacts,
  steps: Steps,
): Promise<EndedRun> {
  if (error instanceof EndedRun) return error;
  const { taken } = steps;
  const trouble = (await troubleBehind(error, opened)) ?? whyLost(error);
  if (trouble !== null) return notShown(trouble, hintFor(opened, error), facts, steps, error);
  const nothing = whyNothingShown(error);
  if (nothing !== null) return notShown(nothing, LACKING, facts, steps, error);
  const verification: VerificationFacts = {
    verdict: 'failed',
    why: describeError(error).message,
    restoreSeconds: null,
    steps: taken,
  };
  return new EndedRun('failed', error, { ...facts, verification });
}

/**
 * Why the server of a scratch excuses what failed there, as a sentence part; null where it does not. One that was there anyway does so only
 * where its connection broke: that it is away a moment later says nothing of a statement that it refused.
 */
export async function troubleBehind(error: unknown, opened: ScratchServer): Promise<string | null> {
  return isThrowaway(opened) || isBroken(error) ? opened.trouble() : null;
}

/**
 * What was found on a server of our own that then fell over, or had no room, is not to be believed: throws that it was not run. What one
 * told that was there anyway, and goes later, stands.
 */
export async function requireStanding(opened: ScratchServer, facts: RunFacts, steps: Steps): Promise<void> {
  const trouble = isThrowaway(opened) ? await opened.trouble() : null;
  if (trouble !== null) throw notShown(trouble, FELL_OVER, facts, steps);
}

export function isThrowaway({ called }: ScratchServer): boolean {
  return called !== null;
}

/** The load may know more of it than that the server went. */
function hintFor(opened: ScratchServer, error: unknown): string {
  return isThrowaway(opened) ? FELL_OVER : (describeError(error).hint ?? WENT_DOWN);
}

const FELL_OVER =
  'Run `holdfast verify` again; where that ends alike, give it more room, or name a server that runs anyway with `verify: {server: …}` of the source.';
const WENT_DOWN =
  'See whether that server runs, and in its log why it ended or who ended the connection; then run `holdfast verify` again.';
const LACKING =
  'Give the scratch server what it lacks, or name another with `verify: {server: …}` of the source.';

function notShown(why: string, hint: string, facts: RunFacts, { taken }: Steps, cause?: unknown): EndedRun {
  const kind = cause === undefined ? 'failed' : describeError(cause).kind;
  return notRun(new HoldfastError(kind, why, { hint, cause }), facts, taken);
}
