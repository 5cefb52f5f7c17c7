import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import { humanBytes } from '../../../core/units.ts';

/** A folder on the disk for files that are there for a while. What a killed agent left of one goes with the runtime folder, before the next run. */
export interface Place {
  readonly path: string;
  /** Removes it with all that is in it; no error when it is gone. */
  remove(): Promise<void>;
}

/** This much of the disk is left to others. */
const SPARE_BYTES = 64 * 2 ** 20;

/** Makes an empty folder that only this user can read, below one that is made when it is not there. */
export async function makePlace(runtimeDir: string): Promise<Place> {
  const path = join(runtimeDir, randomUUID());
  await mkdir(path, { recursive: true, mode: 0o700 });
  // A program that was just ended may still be writing its last.
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return { path, remove };
}

/** Whether what is left to others is all that there is. Throws where the folder is not there. */
export async function isNearlyFull(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize < SPARE_BYTES;
}

export function noMoreRoom(label: string, bytes: number): HoldfastError {
  return new HoldfastError(
    'dump_failed',
    `${label} was ended after ${humanBytes(bytes)}: the state folder has only the ${humanBytes(SPARE_BYTES)} that stay free`,
    { hint: makeRoom(CUSTOM_NEEDS_NONE) },
  );
}

export const CUSTOM_NEEDS_NONE = 'BACKUP_FORMAT=custom (in the file: format) needs none';

/** What to do about a state folder that is too small; `otherwise` is the way that needs no room, as a sentence part. */
export function makeRoom(otherwise: string): string {
  return `Make room in the state folder (HOLDFAST_STATE_DIR), or put it on a larger disk; ${otherwise}.`;
}

/** Throws an error of this kind that names both numbers where the disk has less room than is needed. */
export async function requireRoom(
  path: string,
  need: { bytes: number; what: string; kind: 'dump_failed' | 'target_full'; otherwise: string },
): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const free = Math.max(0, bavail * bsize - SPARE_BYTES);
  if (free >= need.bytes) return;
  throw new HoldfastError(
    need.kind,
    `${need.what} takes up to ${humanBytes(need.bytes)} while it is staged, and the state folder has room for ${humanBytes(free)}`,
    {
      hint: makeRoom(need.otherwise),
    },
  );
}
