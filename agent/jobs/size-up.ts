import type { Ledger, Run } from '../ledger/ledger.ts';
import type { Snapshot } from '../repository/repository.ts';

/** How large a restore is, as far as earlier runs tell. */
export interface Size {
  /** Plain bytes of the dump; null where the run that made it is not in the ledger. */
  dumpBytes: number | null;
  /** How long a restore of it may take; null where none of the source was seen to its end yet. */
  milliseconds: number | null;
  /** Which run says so. */
  from: Run | null;
  /** Plain bytes that this restore has loaded so far. */
  loadedBytes: number;
}

/** Estimates from the ledger: the backup knows the size, the last verification or restore the rate. */
export function sizeUp(ledger: Pick<Ledger, 'recent'>, source: string, snapshot: Snapshot): Size {
  const dumpBytes = bytesOf(ledger, source, snapshot.id);
  const done = (['verify', 'restore'] as const)
    .flatMap((job) => ledger.recent({ job, source, result: 'succeeded', limit: 20 }))
    // One tenant says nothing of how long a whole database takes.
    .filter(
      ({ facts, finishedAt }) =>
        facts.tables !== undefined && facts.tenant === undefined && finishedAt !== null,
    )
    .toSorted((one, other) => other.id - one.id)[0];
  if (done === undefined) return { dumpBytes, milliseconds: null, from: null, loadedBytes: 0 };
  const took = Date.parse(done.finishedAt ?? done.startedAt) - Date.parse(done.startedAt);
  const then = done.facts.snapshotId === undefined ? null : bytesOf(ledger, source, done.facts.snapshotId);
  const factor = dumpBytes !== null && then !== null && then > 0 ? dumpBytes / then : 1;
  return { dumpBytes, milliseconds: took * factor, from: done, loadedBytes: 0 };
}

function bytesOf(ledger: Pick<Ledger, 'recent'>, source: string, snapshotId: string): number | null {
  const backups = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: 1000 });
  return backups.find(({ facts }) => facts.snapshotId === snapshotId)?.facts.dumpBytes ?? null;
}
