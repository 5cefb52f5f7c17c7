import type { Ledger } from '../../ledger/ledger.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import { isCalled } from '../newest.ts';
import { backupOf } from '../size-up.ts';

/**
 * The globals that were stored beside a dump: those of the same run, where the ledger knows it; otherwise those that were begun before the
 * dump, with no other dump between them. Null where there are none: of a restore point, or where they were removed.
 */
export async function findGlobals(
  { repository, ledger }: { repository: Repository; ledger: Pick<Ledger, 'recent'> },
  dump: Snapshot,
  signal: AbortSignal,
): Promise<Snapshot | null> {
  if (dump.tags?.kind !== 'dump') return null;
  const { source } = dump.tags;
  const stored = await repository.list({ source, kind: 'globals' }, signal);
  const run = backupOf(ledger, source, dump.id) ?? backupOf(ledger, source, dump.originalId);
  const ofRun = stored.find((one) => run?.facts.snapshotIds?.some((id) => isCalled(one, id)));
  if (ofRun !== undefined) return ofRun;
  const before = stored.findLast(({ time }) => lies(time, dump.time));
  if (before === undefined) return null;
  const dumps = await repository.list({ source, kind: 'dump' }, signal);
  const [from, to] = [Date.parse(before.time) + CUT_MS, Date.parse(dump.time)];
  const isBetween = ({ id, time }: Snapshot) =>
    id !== dump.id && Date.parse(time) >= from && Date.parse(time) < to;
  return dumps.some(isBetween) ? null : before;
}

/** Their time is cut to the second. */
const CUT_MS = 1000;
/** The dump follows them at once; it may have waited for a lock. */
const BEGUN_WITHIN_MS = 3600_000;

function lies(globals: string, dump: string): boolean {
  const before = Date.parse(dump) - Date.parse(globals);
  return before >= 0 && before < BEGUN_WITHIN_MS;
}
