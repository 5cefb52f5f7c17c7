import type { Repository } from '../../repository/repository.ts';
import { findSnapshot } from '../find-snapshot.ts';
import { isCalled, type Known, type Newest } from '../newest.ts';
import { strangersIn, strangerWords } from '../strangers.ts';
import { requireNewest } from './require-newest.ts';

interface OwnSettings extends Known {
  repository: Repository;
  host: string;
  /** The snapshot of the last backup that counted, where the ledger knows one in this repository. */
  newestGood: () => string | null;
}

/**
 * What a verification is to show: that the newest dump comes back. Where the ledger does not know that one but knows others, it is the
 * newest good one of those, with a note that names the strangers: to prove what another server stored would show nothing of ours.
 * Throws `snapshot_absent`.
 */
export async function newestOwn(source: string, settings: OwnSettings, signal: AbortSignal): Promise<Newest> {
  const { repository, ledger, host, newestGood } = settings;
  const newest = await findSnapshot(repository, source, { id: 'latest', at: null }, settings, signal);
  await requireNewest(source, newest.snapshot, settings, signal);
  if (newest.known === null) return newest;
  const dumps = await repository.list({ source, kind: 'dump' }, signal);
  const good = newestGood();
  const own = dumps.find((dump) => isCalled(dump, good)) ?? newest.known;
  const strangers = strangersIn(ledger, source, dumps);
  const [told] = strangerWords(source, strangers.length === 0 ? [newest.snapshot] : strangers, host);
  return {
    snapshot: own,
    note: `${told}; verified is ${own.shortId}, the newest that it did store`,
    known: null,
  };
}
