import { mkdir, rm, statfs } from 'node:fs/promises';
import { describeError, HoldfastError } from '../../core/errors.ts';
import { humanBytes } from '../../core/units.ts';

/** A folder in which files lie until they are stored as one snapshot. */
export interface Staging {
  folder: string;
  /** To be asked as bytes are written; throws `staging_full` before the disk is. */
  watch: (bytes: number) => Promise<void>;
  remove: () => Promise<void>;
}

/** Stays free: the ledger lies on the same disk, and must be able to tell what happened. */
const RESERVE_BYTES = 64 * 2 ** 20;
/** Between two looks at what is left. */
const LOOK_EVERY_BYTES = 32 * 2 ** 20;

/** Makes the folder anew. Throws `staging_full` where so much is not free; then nothing was begun. */
export async function openStaging(folder: string, what: string, expectedBytes: number): Promise<Staging> {
  const remove = () => rm(folder, { recursive: true, force: true });
  await remove();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const free = await freeIn(folder);
  if (free < expectedBytes + RESERVE_BYTES) {
    await remove();
    throw full(
      `${what} takes about ${humanBytes(expectedBytes)}, and of the ${humanBytes(free)} that are free in ${folder}, ${humanBytes(RESERVE_BYTES)} stay free`,
    );
  }
  let looked = 0;
  return {
    folder,
    remove,
    watch: async (bytes) => {
      // Fewer than before: a pass that failed was taken away, and another one begins.
      if (bytes >= looked && bytes - looked < LOOK_EVERY_BYTES) return;
      looked = bytes;
      if ((await freeIn(folder)) < RESERVE_BYTES)
        throw full(`${what} was ended after ${humanBytes(bytes)}: no more room in ${folder}`);
    },
  };
}

/** What a full disk says of itself, as `staging_full`; anything else as it is. */
export function asFull(error: unknown, what: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? full(`${what}: ${describeError(error).message}`, error)
    : error;
}

async function freeIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function full(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('staging_full', message, {
    hint: 'Make room in the state folder (HOLDFAST_STATE_DIR), or name tenants: `holdfast backup SOURCE --tenant ID,ID` stages nothing.',
    ...(cause === undefined ? {} : { cause }),
  });
}
