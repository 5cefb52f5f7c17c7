import { describeError } from '../../core/errors.ts';
import type { RunFacts } from '../../ledger/ledger.ts';
import type { ProofOutcome } from '../../proof/proof.ts';
import type { SavedSnapshot } from '../../repository/repository.ts';
import type { HeadStart } from './head-start.ts';
import type { JobContext } from '../job.ts';
import type { SavedParts } from './save-parts.ts';
import { storeProof } from '../stored-proof.ts';

export interface KeptProof {
  /** The snapshot of the proof; none where there is no proof. */
  saved: SavedSnapshot[];
  warnings: string[];
  facts: Required<Pick<RunFacts, 'proof' | 'equality'>>;
}

export interface ProofToKeep {
  source: string;
  /** The snapshot of the dump, which is stored. */
  dumpId: string;
  proving: SavedParts['proving'];
  /** The way into the repository. */
  ahead: HeadStart;
}

/** The repository has just answered; a proof is small. */
const STORE_WITHIN_MS = 10 * 60_000;
const TELL_EVERY_MS = 500;

/**
 * Waits for the proof of a dump that is stored and stores it beside it. Never throws: a backup without its proof is still a good
 * backup, and says with a warning that no restore of it can be shown equal.
 */
export async function keepProof(what: ProofToKeep, context: JobContext): Promise<KeptProof> {
  if (what.proving === null) return without('the configuration wants no proof', []);
  const { proof, why } = await awaited(what.proving.outcome, what.source, context);
  if (proof === null) return without(why, [`equality not proven: ${why}`]);
  try {
    const bounded = AbortSignal.any([context.signal, AbortSignal.timeout(STORE_WITHIN_MS)]);
    const prepared = await what.ahead.take(what.proving.target);
    const saved = await storeProof(prepared, { dumpId: what.dumpId, proof }, bounded);
    const equality = { proven: proof.unproven === null, why: proof.unproven };
    const warnings = equality.proven ? [] : [`equality not proven: ${equality.why}`];
    return { saved: [saved], warnings, facts: { proof: proof.level, equality } };
  } catch (error) {
    const failed = `its proof could not be stored: ${describeError(error).message}`;
    return without(failed, [`equality not proven: ${failed}`]);
  }
}

function without(why: string, warnings: string[]): KeptProof {
  return { saved: [], warnings, facts: { proof: 'none', equality: { proven: false, why } } };
}

/** Rows may still be read when the dump is stored long since: a person who watches is told. */
async function awaited(
  proving: Promise<ProofOutcome>,
  source: string,
  { onProgress, signal }: JobContext,
): Promise<ProofOutcome> {
  const tell = () => onProgress({ step: `reading the proof of ${source}`, dumpBytes: 0, storedBytes: 0 });
  const telling = setInterval(tell, TELL_EVERY_MS);
  try {
    const outcome = await proving;
    if (!signal.aborted || outcome.proof !== null) return outcome;
    return { proof: null, why: `it was not read to its end: ${describeError(signal.reason).message}` };
  } finally {
    clearInterval(telling);
  }
}
