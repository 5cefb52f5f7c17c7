import { utc } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import { isCalled } from '../newest.ts';

/**
 * An older snapshot must not pass for the one that the heartbeat speaks of. `newestGood` is the snapshot of the source's last good
 * backup; throws `snapshot_absent` where that is gone, whatever else is there.
 */
export async function requireNewest(
  source: string,
  newest: Snapshot,
  { repository, newestGood }: { repository: Repository; newestGood: () => string | null },
  signal: AbortSignal,
): Promise<void> {
  const good = newestGood();
  const isGood = (dump: Snapshot) => isCalled(dump, good);
  if (good === null || isGood(newest)) return;
  const all = await repository.list({ source, kind: 'dump' }, signal);
  if (all.some(isGood)) return;
  throw new HoldfastError(
    'snapshot_absent',
    `the last good backup of ${source}, ${good.slice(0, 8)}, is missing from the repository; the newest left is of ${utc(new Date(newest.time))}`,
    { hint: `Find out who removed it, and back up again with \`holdfast backup ${source}\`.` },
  );
}
