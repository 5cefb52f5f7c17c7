import type { Ledger } from '../../ledger/ledger.ts';
import type { Snapshot } from '../../repository/repository.ts';
import { isCalled } from '../newest.ts';

/**
 * What is to be told of a suspect dump that is restored; null for any other. The newest one is restored whether it counts or not, for it may
 * be all that is wanted; but never without a word.
 */
export function suspectNote(
  ledger: Pick<Ledger, 'suspects'>,
  source: string,
  snapshot: Snapshot,
): string | null {
  const run = ledger.suspects(source).find(({ facts }) => isCalled(snapshot, facts.snapshotId ?? null));
  if (run === undefined) return null;
  return `${snapshot.shortId} is suspect, and nobody has accepted it: ${run.facts.suspect ?? run.reason}; the backups before it are told by \`holdfast snapshots ${source}\``;
}

/** Several of a restore's notes as one; null for none. */
export function joinedNotes(...all: (string | null)[]): string | null {
  const told = all.filter((one) => one !== null);
  return told.length === 0 ? null : told.join('; ');
}
