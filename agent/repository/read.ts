import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../core/errors.ts';
import type { Compressors } from '../process/compress.ts';
import { describeExit, type Child, type Exit, type Processes } from '../process/run.ts';
import type { Snapshot } from './repository.ts';
import type { Restic } from './restic.ts';

export interface ReadDependencies {
  processes: Processes;
  compressors: Compressors;
  restic: Restic;
  errorOf: (exit: Exit) => HoldfastError;
}

/** The plain bytes of a stored dump; see `Repository.read` for what `done` says. */
export function readDump(
  deps: ReadDependencies,
  snapshot: Snapshot,
  signal: AbortSignal,
): { stream: AsyncIterable<Buffer>; done: Promise<void> } {
  const started = startReading(deps, snapshot);
  started.catch(() => undefined);
  const done = started.then((children) => ended(deps, children, snapshot, signal));
  done.catch(() => undefined);

  async function* bytes(): AsyncGenerator<Buffer> {
    const { restic, decompressor } = await started;
    const stop = () => [restic, decompressor].forEach((child) => void child?.stop());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    let whole = false;
    try {
      yield* (decompressor ?? restic).stdout as AsyncIterable<Buffer>;
      whole = true;
    } finally {
      signal.removeEventListener('abort', stop);
      // The reader lost interest: nobody reads these children any more. After the last byte they end by themselves.
      if (!whole) stop();
    }
  }
  return { stream: bytes(), done };
}

interface Reading {
  restic: Child;
  decompressor: Child | null;
  carried: Promise<void>;
  bytes: () => number;
}

async function startReading(deps: ReadDependencies, snapshot: Snapshot): Promise<Reading> {
  const command = deps.compressors.decompress(snapshot.path);
  const restic = await deps.restic.start(['dump', snapshot.id, snapshot.path]);
  restic.stdin.end();
  let bytes = 0;
  if (command === null) return { restic, decompressor: null, carried: Promise.resolve(), bytes: () => bytes };
  const decompressor = await deps.processes.start(command);
  const counted = async function* () {
    for await (const chunk of restic.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const carried = pipeline(counted, decompressor.stdin);
  carried.catch(() => undefined);
  return { restic, decompressor, carried, bytes: () => bytes };
}

/** restic's words for bytes that are not what they were; it has no exit code of its own for them. */
const DAMAGE =
  /ciphertext verification failed|file is too short|invalid data returned|does not exist|not found|hash|unexpected EOF/i;

/** An error of restic's, as damage of a snapshot where its words are of that. */
export function damagedOr(error: HoldfastError, snapshot: Snapshot): HoldfastError {
  if (error.kind !== 'repository_failed' || !DAMAGE.test(error.message)) return error;
  return new HoldfastError(
    'repository_damaged',
    `snapshot ${snapshot.shortId} cannot be read: ${error.message}`,
    {
      hint: 'Run `holdfast check --all-data`, and restore an older snapshot with `--snapshot`.',
      cause: error,
    },
  );
}

async function ended(
  deps: ReadDependencies,
  reading: Reading,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<void> {
  const exit = await reading.restic.exit;
  const unpacked = await reading.decompressor?.exit;
  if (signal.aborted) throw new HoldfastError('interrupted', 'reading the snapshot was interrupted');
  if (exit.code !== 0) throw damagedOr(deps.errorOf(exit), snapshot);
  if (unpacked !== undefined && unpacked.code !== 0) {
    const said = unpacked.stderr[0] === undefined ? '' : `: ${unpacked.stderr[0]}`;
    throw new HoldfastError(
      'repository_damaged',
      `unpacking snapshot ${snapshot.shortId} ended with ${describeExit(unpacked)}${said}`,
      {
        hint: 'Run `holdfast check --all-data`, and restore an older snapshot with `--snapshot`.',
      },
    );
  }
  if (reading.decompressor !== null && snapshot.bytes !== null && reading.bytes() !== snapshot.bytes) {
    throw new HoldfastError(
      'repository_damaged',
      `snapshot ${snapshot.shortId} gave ${reading.bytes()} bytes of ${snapshot.bytes}`,
    );
  }
}
