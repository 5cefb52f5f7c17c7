import type { Ledger } from '../ledger/ledger.ts';

/** The snapshot of the last backup of a source that counted in the repository with this id; null where nobody knows which one it is. */
export function newestGoodSnapshot(
  ledger: Pick<Ledger, 'lastGood'>,
  source: string,
  repositoryId: string | null,
): string | null {
  return repositoryId === null ? null : (ledger.lastGood(source, repositoryId)?.facts.snapshotId ?? null);
}

/** What the run that stored a snapshot said of its proof; null where the ledger does not know it. */
export function whyNoProof(
  ledger: Pick<Ledger, 'recent'>,
  source: string,
  snapshotId: string,
): string | null {
  const runs = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: 100 });
  return runs.find(({ facts }) => facts.snapshotId === snapshotId)?.facts.equality?.why ?? null;
}
