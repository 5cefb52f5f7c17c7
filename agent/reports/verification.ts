import type { Ledger } from '../ledger/ledger.ts';
import { formatLastOk, lastVerifiedName } from '../../sentinel/heartbeat.ts';
import { replaceFile } from './status-folder.ts';
import { lastGoodVerification } from './verified.ts';

/**
 * The oldest of the last good verifications among the sources that gate, out of whichever repository: a new one has as long for its first
 * verification as the last one of the other still holds. Null while one of them has none.
 */
export function lastVerified(
  ledger: Pick<Ledger, 'recent' | 'suspects'>,
  sources: { name: string; gates: boolean; proof: string }[],
): Date | null {
  const gating = sources.filter((source) => source.gates);
  const starts = gating.map((source) => lastGoodVerification(ledger, source, null)?.startedAt);
  const known = starts.filter((start) => start !== undefined).toSorted();
  return known[0] === undefined || known.length < starts.length ? null : new Date(known[0]);
}

/** Leaves it beside the heartbeat; without one the file stays as it is and grows stale by itself. */
export async function writeLastVerified(folder: string, verified: Date | null): Promise<void> {
  if (verified !== null) await replaceFile(folder, lastVerifiedName, formatLastOk(verified));
}
