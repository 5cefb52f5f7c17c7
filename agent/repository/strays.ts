import { isDeepStrictEqual } from 'node:util';
import type { Exit } from '../process/run.ts';
import type { Snapshot, SnapshotTags } from './repository.ts';
import type { Times } from './save-steps.ts';

/** A save that failed, after its restic has ended. */
export interface FailedSave {
  /** With the compression's suffix. */
  path: string;
  tags: SnapshotTags;
  times: Times;
  exit: Exit;
  /** The snapshot that restic says it has stored; null where it says none. */
  named: string | null;
  /** Whether restic may have taken what it had for all: its input was at an end before it began to clean up. */
  inputEnded: boolean;
  /** What a snapshot of it would hold; null where that is not known. */
  bytes: number | null;
}

/** Whether there may be a snapshot of it of which restic said nothing. */
export function mayHaveStored({ exit, inputEnded }: FailedSave): boolean {
  return inputEnded || exit.code === 0 || exit.code === EMPTY;
}

/** restic's exit code for a snapshot that not everything is in, as that of an empty input is. */
const EMPTY = 3;

/**
 * The snapshot of a failed save among those of the host; null where there is none, or more than one: another server that stores under the same
 * names may have stored the other, and a good snapshot must not be taken for a stray.
 */
export function strayOf({ path, tags, times, bytes }: FailedSave, snapshots: Snapshot[]): string | null {
  const fitting = snapshots.filter(
    (snapshot) =>
      snapshot.path === path &&
      isDeepStrictEqual(snapshot.tags, tags) &&
      (bytes === null || snapshot.bytes === null || snapshot.bytes === bytes) &&
      isWithin(snapshot.time, times),
  );
  return fitting.length === 1 ? (fitting[0]?.id ?? null) : null;
}

/**
 * restic takes a snapshot's time when it starts, after `since` and by the same clock: no margin before it, or a good snapshot of a moment
 * ago would count as a stray; and an end, or on a clock that was set back every good one since would.
 */
function isWithin(time: string, { since, withinMs }: Times): boolean {
  const after = Date.parse(time) - since.getTime();
  return after >= 0 && after <= withinMs;
}
