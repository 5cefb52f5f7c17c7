import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { HoldfastError } from '../core/errors.ts';
import type { Compressors } from '../process/compress.ts';
import { describeExit, type Processes } from '../process/run.ts';

/**
 * The plain bytes of a dump in a file, which may be compressed by gzip or zstd, whatever it is called. Throws `usage` where there is no
 * such file, and `restore_failed` where it is damaged: after the last good byte, so that whoever reads must heed it.
 */
export async function* readDumpFile(
  path: string,
  deps: { processes: Processes; compressors: Compressors },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const command = deps.compressors.decompress(await suffixIn(path));
  const file = createReadStream(path, { signal });
  if (command === null) {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  // It may fail while the decompressor is being started, and nobody would hear it.
  file.on('error', () => undefined);
  const child = await deps.processes.start(command);
  const stop = () => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  // A decompressor that finds damage closes its input: its exit tells.
  file.on('error', stop).pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const exit = await child.exit;
    signal.throwIfAborted();
    if (file.errored !== null) throw unreadable(path, file.errored);
    if (exit.code !== 0) {
      throw new HoldfastError(
        'restore_failed',
        `${path} is damaged: the decompressor ended with ${describeExit(exit)}: ${exit.stderr[0] ?? 'it said nothing'}`,
        { hint: 'It was cut short or changed: take another file.' },
      );
    }
  } finally {
    signal.removeEventListener('abort', stop);
    file.destroy();
    void child.stop();
  }
}

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** By its first bytes: people rename files. */
async function suffixIn(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      const begins = (magic: number[]) =>
        bytesRead >= magic.length && magic.every((byte, i) => buffer[i] === byte);
      if (begins(GZIP)) return '.gz';
      return begins(ZSTD) ? '.zst' : '';
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): HoldfastError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new HoldfastError('usage', `${path} cannot be read: ${said}`, {
    hint: 'Give the path of a dump, as this program sees it: in a container, a folder must be mounted for it.',
    cause,
  });
}
