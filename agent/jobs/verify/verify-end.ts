import { describeError, HoldfastError } from '../../core/errors.ts';
import type { RunFacts, VerificationFacts } from '../../ledger/ledger.ts';
import type { ScratchServer } from '../../sources/scratch.ts';
import { EndedRun } from '../job.ts';
import { notRun, whyLost, whyNothingShown } from './not-run.ts';
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
  const trouble = (await opened.trouble()) ?? whyLost(error);
  if (trouble !== null) return notShown(trouble, hintFor(opened), facts, steps, error);
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

/** What was found on a server that then fell over is not to be believed: throws that it was not run. */
export async function requireStanding(opened: ScratchServer, facts: RunFacts, steps: Steps): Promise<void> {
  const trouble = await opened.trouble();
  if (trouble !== null) throw notShown(trouble, hintFor(opened), facts, steps);
}

function hintFor({ called }: ScratchServer): string {
  return called === null ? WENT_DOWN : FELL_OVER;
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
