import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createOutlet } from './backpressure.ts';

/**
 * Keeps a dump alive while the repository stalls. MariaDB hangs up on a client that reads nothing for
 * `net_write_timeout` (60 s), so when the target takes no byte for a few seconds the dump goes on slowly into a
 * bounded file, and from there to the target when it takes bytes again. In ordinary times, also with a target that is
 * merely slower than the database, nothing touches the disk: the dump waits, as in a shell's pipe.
 */
export interface Spool {
  /** Resolves when the chunk is taken; rejects when the target failed. One call at a time. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when everything has been handed to the target, which is left open. */
  flush(): Promise<void>;
  /** Frees the file; safe at any time, more than once. */
  close(): Promise<void>;
  /** Bytes that ever went through the file. */
  readonly spooledBytes: number;
}

export interface SpoolOptions {
  directory: string;
  /** Once the file holds so much the dump has to wait, come what may. */
  maxBytes: number;
  /** How long the target may take nothing before the file is used. */
  stallAfterMs?: number;
  /**
   * How fast the dump goes on meanwhile. Slow, so that the file lasts for a long stall (1 GiB is 17 minutes); yet fast
   * enough that the server's socket buffers of some megabytes move well within its timeout.
   */
  bytesPerSecond?: number;
}

const STALL_AFTER_MS = 5_000;
const BYTES_PER_SECOND = 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** Puts a spool in front of a writable; `signal` ends every wait. */
export function createSpool(target: Writable, options: SpoolOptions, signal: AbortSignal): Spool {
  const stallAfterMs = options.stallAfterMs ?? STALL_AFTER_MS;
  const bytesPerSecond = options.bytesPerSecond ?? BYTES_PER_SECOND;
  const outlet = createOutlet(target, signal);
  let file: FileHandle | null = null;
  let writeOffset = 0;
  let readOffset = 0;
  let spooledBytes = 0;
  /** Set while the file holds bytes; resolves true when they have all been handed on, rejects with the target's error. */
  let catchingUp: Promise<void> | null = null;

  const openFile = async () => {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const path = join(options.directory, `spool-${process.pid}-${process.hrtime.bigint()}`);
    const handle = await open(path, 'wx+', 0o600);
    // Unlinked at once: whatever happens to this process, no part of a dump stays behind on the disk.
    await unlink(path);
    return handle;
  };

  /** Hands the file's bytes to the target until none is left. */
  const catchUp = async (firstDrain: Promise<void>) => {
    await firstDrain;
    const block = Buffer.allocUnsafe(READ_BYTES);
    while (file !== null && readOffset < writeOffset) {
      const { bytesRead } = await file.read(
        block,
        0,
        Math.min(block.length, writeOffset - readOffset),
        readOffset,
      );
      readOffset += bytesRead;
      await outlet.write(Buffer.from(block.subarray(0, bytesRead)));
    }
    await file?.truncate(0);
    readOffset = writeOffset = 0;
    catchingUp = null;
  };

  const append = async (chunk: Buffer) => {
    file ??= await openFile();
    await file.write(chunk, 0, chunk.length, writeOffset);
    writeOffset += chunk.length;
    spooledBytes += chunk.length;
  };

  /** True when the file was emptied before the time was up. */
  const caughtUpWithin = async (milliseconds: number): Promise<boolean> => {
    if (catchingUp === null) return true;
    return Promise.race([catchingUp.then(() => true), delay(milliseconds, false, { signal })]);
  };

  return {
    get spooledBytes() {
      return spooledBytes;
    },
    write: async (chunk) => {
      signal.throwIfAborted();
      if (catchingUp !== null && !(await caughtUpWithin((chunk.length / bytesPerSecond) * 1000))) {
        if (writeOffset + chunk.length <= options.maxBytes && (await appended(append(chunk)))) return;
        await catchingUp;
      }
      if (outlet.push(chunk)) return;
      const drain = outlet.drained();
      if (await settledWithin(drain, stallAfterMs)) return;
      catchingUp = catchUp(drain);
      catchingUp.catch(() => undefined);
    },
    flush: async () => {
      if (catchingUp !== null) await catchingUp;
    },
    close: async () => {
      outlet.release();
      const handle = file;
      file = null;
      await handle?.close().catch(() => undefined);
    },
  };
}

/** False when the time was up first; rejects as the promise does. */
function settledWithin(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    promise.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** A disk that takes no more is no reason to fail: the dump then waits for the target, as it would without a spool. */
async function appended(append: Promise<void>): Promise<boolean> {
  try {
    await append;
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS' || code === 'EACCES') return false;
    throw error;
  }
}
