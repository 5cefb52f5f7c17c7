import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../core/errors.ts';
import type { Compressors } from '../process/compress.ts';
import { describeExit, type Child, type Exit, type Processes } from '../process/run.ts';
import { listFiles } from './files.ts';
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
    const { restic, decompressor, stored, readToEnd } = await started;
    const stop = () => [restic, decompressor].forEach((child) => void child?.stop());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    let whole = false;
    try {
      yield* decompressor === null ? stored() : (decompressor.stdout as AsyncIterable<Buffer>);
      whole = true;
    } finally {
      readToEnd(whole);
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
  /** What restic gives, counted as it passes. */
  stored: () => AsyncIterable<Buffer>;
  bytes: () => number;
  /** To be told that nobody reads on, and whether all was read. */
  readToEnd: (whole: boolean) => void;
  whole: Promise<boolean>;
}

async function startReading(deps: ReadDependencies, snapshot: Snapshot): Promise<Reading> {
  const command = deps.compressors.decompress(snapshot.path);
  const restic = await deps.restic.start(['dump', snapshot.id, snapshot.path]);
  restic.stdin.end();
  let bytes = 0;
  const stored = async function* () {
    for await (const chunk of restic.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const { promise: whole, resolve: readToEnd } = Promise.withResolvers<boolean>();
  const reading = { restic, stored, bytes: () => bytes, readToEnd, whole };
  if (command === null) return { ...reading, decompressor: null };
  const decompressor = await deps.processes.start(command);
  pipeline(stored, decompressor.stdin).catch(() => undefined);
  return { ...reading, decompressor };
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
  // Without one, its last bytes may still be on their way.
  const whole = reading.decompressor !== null || (await reading.whole);
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
  if (!whole) return;
  const size = await sizeOf(deps.restic, reading, snapshot, signal);
  if (size === null || reading.bytes() === size) return;
  throw new HoldfastError(
    'repository_damaged',
    `snapshot ${snapshot.shortId} gave ${reading.bytes()} bytes of ${size}`,
    {
      hint: 'Nothing of it is to be trusted: try again, then run `holdfast check --all-data`, and restore an older snapshot with `--snapshot`.',
    },
  );
}

/** How large it is as stored. Where its snapshot does not say, a packed one tells by its own end that it is whole; a plain one has its size in the snapshot's tree. */
async function sizeOf(
  restic: Restic,
  { decompressor }: Reading,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<number | null> {
  if (snapshot.bytes !== null || decompressor !== null) return snapshot.bytes;
  const files = await listFiles(restic, snapshot, signal, snapshot.path);
  return files.find(({ path }) => path === snapshot.path)?.bytes ?? null;
}
