import type { Ledger } from '../ledger/ledger.ts';

/** The snapshot of the last backup of a source that counted, as far as it lies in this repository. */
export function newestGoodSnapshot(
  ledger: Pick<Ledger, 'lastGood'>,
  source: string,
  repositoryId: string | null,
): string | null {
  const facts = ledger.lastGood(source)?.facts;
  return facts?.repositoryId === repositoryId ? (facts?.snapshotId ?? null) : null;
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
