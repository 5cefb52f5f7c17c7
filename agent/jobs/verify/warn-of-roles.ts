import { describeError } from '../../core/errors.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { Source } from '../../sources/source.ts';
import type { JobContext } from '../job.ts';
import { readCounted, readStored } from '../reading.ts';
import { findGlobals } from '../restore/find-globals.ts';

/**
 * Whether a bare server would get the roles of a dump that was just verified: the globals beside it are there, whole, and hold every role
 * that it names. What is wrong with them is a warning, for the rows are proved without; nothing is made.
 */
export async function warnOfRoles(
  { roles }: Source,
  {
    repository,
    ledger,
    snapshot,
  }: { repository: Repository; ledger: Pick<Ledger, 'recent'>; snapshot: Snapshot },
  { signal, onProgress }: JobContext,
): Promise<string[]> {
  if (roles === undefined || snapshot.tags?.kind !== 'dump') return [];
  const beside = `a bare server would not get the roles of ${snapshot.shortId} back`;
  try {
    const globals = await findGlobals({ repository, ledger }, snapshot, signal);
    if (globals === null) return [`${beside}: no globals are stored beside it`];
    const progress = { step: `looking at the roles in ${globals.shortId}`, dumpBytes: 0, storedBytes: 0 };
    const unknown = await roles.unknownIn(
      readStored({ repository, snapshot, progress }, onProgress, signal),
      readCounted({ repository, snapshot: globals, progress }, onProgress, signal),
    );
    if (unknown.length === 0) return [];
    const names = unknown.map((name) => `"${name}"`).join(', ');
    return [`${beside}: the globals beside it (${globals.shortId}) do not hold ${names}`];
  } catch (error) {
    signal.throwIfAborted();
    return [`${beside}: ${describeError(error).message}`];
  }
}
