import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that wait on the disk, first in, first out. Whatever is called at once is done one after another. */
export interface DiskQueue {
  /** Lets bytes in, until a `take` finds none. */
  begin(): void;
  /** False when the bytes were not taken: it was not begun, it is full, or the disk takes no more. */
  put(chunk: Buffer): Promise<boolean>;
  /** The oldest bytes; null when there are none, and then nothing is let in any more until it is begun again. */
  take(): Promise<Buffer | null>;
  /** Frees the file; safe at any time, more than once. */
  close(): Promise<void>;
  /** Bytes that ever went through. */
  readonly passedBytes: number;
}

const TAKE_BYTES = 256 * 1024;

export function createDiskQueue(directory: string, maxBytes: number): DiskQueue {
  let file: FileHandle | null = null;
  let begun = false;
  let written = 0;
  let taken = 0;
  let passedBytes = 0;
  // The end of the line: a `take` that finds nothing must not meet a `put` that is on its way into the file.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const turn = last.then(action, action);
    last = turn.catch(() => undefined);
    return turn;
  };

  const put = async (chunk: Buffer): Promise<boolean> => {
    if (!begun || written + chunk.length > maxBytes) return false;
    try {
      file ??= await openUnnamed(directory);
      await writeWhole(file, chunk, written);
    } catch (error) {
      // A disk that takes no more is no reason to fail: whoever writes then waits, as without a queue.
      if (isFull(error)) return false;
      throw error;
    }
    written += chunk.length;
    passedBytes += chunk.length;
    return true;
  };
  const take = async (): Promise<Buffer | null> => {
    if (taken === written) {
      await file?.truncate(0);
      written = taken = 0;
      begun = false;
      return null;
    }
    const block = Buffer.allocUnsafe(Math.min(TAKE_BYTES, written - taken));
    const { bytesRead } = (await file?.read(block, 0, block.length, taken)) ?? { bytesRead: 0 };
    if (bytesRead === 0) throw new Error('the spool lacks bytes that were written to it');
    taken += bytesRead;
    return block.subarray(0, bytesRead);
  };
  return {
    get passedBytes() {
      return passedBytes;
    },
    begin: () => {
      begun = true;
    },
    put: (chunk) => inTurn(() => put(chunk)),
    take: () => inTurn(take),
    close: () =>
      inTurn(async () => {
        begun = false;
        const handle = file;
        file = null;
        await handle?.close().catch(() => undefined);
      }),
  };
}

/** Unlinked at once: whatever happens to this process, no part of a dump stays behind on the disk. */
async function openUnnamed(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `spool-${process.pid}-${process.hrtime.bigint()}`);
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

/** A disk that is nearly full takes a part, and says so by the count alone. */
async function writeWhole(file: FileHandle, chunk: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, offset + done);
    if (bytesWritten === 0) throw Object.assign(new Error('the disk took nothing'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}
