import type { Writable } from 'node:stream';
import { createOutlet } from './backpressure.ts';
import { createDiskQueue } from './disk-queue.ts';

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

/** Puts a spool in front of a writable; `signal` ends every wait. */
export function createSpool(target: Writable, options: SpoolOptions, signal: AbortSignal): Spool {
  const stallAfterMs = options.stallAfterMs ?? STALL_AFTER_MS;
  const bytesPerSecond = options.bytesPerSecond ?? BYTES_PER_SECOND;
  const outlet = createOutlet(target, signal);
  const queue = createDiskQueue(options.directory, options.maxBytes);
  /** Set while bytes wait on the disk; resolves when they have all been handed on, rejects with the target's error. */
  let catchingUp: Promise<void> | null = null;

  const catchUp = async (firstDrain: Promise<void>) => {
    await firstDrain;
    for (let block = await queue.take(); block !== null; block = await queue.take())
      await outlet.write(block);
    catchingUp = null;
  };

  return {
    get spooledBytes() {
      return queue.passedBytes;
    },
    write: async (chunk) => {
      signal.throwIfAborted();
      const pauseMs = (chunk.length / bytesPerSecond) * 1000;
      if (catchingUp !== null && !(await settledWithin(catchingUp, pauseMs))) {
        if (await queue.put(chunk)) return;
        await catchingUp;
      }
      if (outlet.push(chunk)) return;
      const drain = outlet.drained();
      if (await settledWithin(drain, stallAfterMs)) return;
      queue.begin();
      catchingUp = catchUp(drain);
      catchingUp.catch(() => undefined);
    },
    flush: async () => {
      await catchingUp;
    },
    close: async () => {
      outlet.release();
      await queue.close();
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
