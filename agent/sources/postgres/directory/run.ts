import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import type { Command, Exit, Processes } from '../../../process/run.ts';
import { isError } from '../../client/stderr.ts';
import { isNearlyFull, noMoreRoom } from './room.ts';

/** How often the folder is looked at, at least; one of many files less often, so that looking takes no more than a twentieth of the time. */
const LOOK_EVERY_MS = 1_000;
const LOOKING_SHARE = 20;
const STOP_GRACE_MS = 5_000;

/**
 * Runs a program that writes a folder of files, to its end. It dies with the agent. Throws `interrupted` for the signal, and `dump_failed`
 * where the folder has not grown for too long, and where the disk is nearly full: the ledger lies on it too.
 */
export async function runInPlace(
  command: Command,
  options: {
    folder: string;
    label: string;
    processes: Processes;
    idleTimeoutMs: number;
    onBytes: (bytes: number) => void;
  },
  signal: AbortSignal,
): Promise<Exit> {
  const { folder, label, idleTimeoutMs } = options;
  const interrupted = () => new HoldfastError('interrupted', `${label} was interrupted`);
  if (signal.aborted) throw interrupted();
  const args = ['--pdeathsig', 'KILL', command.file, ...command.args];
  const child = await options.processes.start({ ...command, file: 'setpriv', args, matters: isError });
  child.stdin.end();
  child.stdout.resume();
  let failure: HoldfastError | null = null;
  const stop = () => void child.stop(STOP_GRACE_MS);
  signal.addEventListener('abort', stop, { once: true });
  const watching = watch(folder, idleTimeoutMs, {
    onBytes: options.onBytes,
    onIdle: () => {
      failure = idleFor(label, idleTimeoutMs);
      stop();
    },
    onFull: (bytes) => {
      failure = noMoreRoom(label, bytes);
      stop();
    },
  });
  try {
    const exit = await child.exit;
    if (signal.aborted) throw interrupted();
    if (failure !== null) throw failure as HoldfastError;
    return exit;
  } finally {
    signal.removeEventListener('abort', stop);
    watching.end();
  }
}

function idleFor(label: string, idleTimeoutMs: number): HoldfastError {
  return new HoldfastError(
    'dump_failed',
    `${label} wrote nothing for ${idleTimeoutMs / 1000} s and was ended`,
    { hint: 'See what holds a lock on the database (pg_locks), then back up again.' },
  );
}

interface Watcher {
  onBytes: (bytes: number) => void;
  onIdle: () => void;
  /** After so many bytes. */
  onFull: (bytes: number) => void;
}

function watch(folder: string, idleTimeoutMs: number, watcher: Watcher): { end(): void } {
  const { onBytes, onIdle, onFull } = watcher;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let [bytes, grewAt] = [-1, performance.now()];
  const look = async () => {
    const began = performance.now();
    const now = await sizeOf(folder);
    const isFull = await isNearlyFull(folder).catch(() => false);
    if (ended) return;
    if (isFull) return onFull(now);
    if (now !== bytes) {
      [bytes, grewAt] = [now, performance.now()];
      onBytes(now);
    } else if (performance.now() - grewAt > idleTimeoutMs) return onIdle();
    const took = performance.now() - began;
    timer = setTimeout(() => void look(), Math.max(LOOK_EVERY_MS, took * LOOKING_SHARE));
  };
  void look();
  return {
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** Files may come and go while they are looked at, and before there is one the folder is not there. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    bytes += await stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}
