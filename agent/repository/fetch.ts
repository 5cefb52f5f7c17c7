import { rm, writeFile } from 'node:fs/promises';
import { HoldfastError } from '../core/errors.ts';
import type { Exit } from '../process/run.ts';
import { parseLine, restoreProgress } from './messages.ts';
import { damagedOr } from './read.ts';
import type { FolderToFetch, Snapshot } from './repository.ts';
import type { Restic } from './restic.ts';

/** restic that has written nothing more for so long is taken for stuck; its own retries end after a quarter of an hour. */
const STALL_MS = 30 * 60_000;
const CLEANUP_MS = 60_000;

/** Writes files of a stored folder onto the disk: `Repository.fetch` says what is promised. */
export async function fetchFiles(
  { restic, errorOf }: { restic: Restic; errorOf: (exit: Exit) => HoldfastError },
  snapshot: Snapshot,
  { into, names, onBytes }: FolderToFetch,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const list = `${into}.names`;
  if (names !== null) await writeFile(list, names.map((name) => `/${name}\n`).join(''), { mode: 0o600 });
  try {
    const only = names === null ? [] : ['--include-file', list];
    const child = await restic.start([
      ...['restore', `${snapshot.id}:${snapshot.path}`, '--target', into, ...only],
      ...['--json', '--sparse'],
    ]);
    child.stdin.end();
    const stalled = new AbortController();
    const watchdog = setTimeout(() => stalled.abort(stuck()), STALL_MS);
    const late = AbortSignal.any([signal, stalled.signal]);
    const stop = () => void child.stop(CLEANUP_MS);
    late.addEventListener('abort', stop, { once: true });
    try {
      let written = 0;
      for await (const line of lines(child.stdout as AsyncIterable<Buffer>)) {
        const bytes = parseLine(restoreProgress, line)?.bytes_restored ?? 0;
        if (bytes <= written) continue;
        written = bytes;
        watchdog.refresh();
        onBytes?.(written);
      }
      const exit = await child.exit;
      late.throwIfAborted();
      if (exit.code !== 0) throw failure(snapshot, exit, errorOf);
    } finally {
      clearTimeout(watchdog);
      late.removeEventListener('abort', stop);
      await child.stop(CLEANUP_MS);
    }
  } finally {
    await rm(list, { force: true });
  }
}

function failure(snapshot: Snapshot, exit: Exit, errorOf: (exit: Exit) => HoldfastError): HoldfastError {
  if (!/no space left on device/i.test(exit.stderr.join('\n'))) return damagedOr(errorOf(exit), snapshot);
  return new HoldfastError('target_full', `no space is left for the files of ${snapshot.shortId}`, {
    hint: 'Make room in the state folder (HOLDFAST_STATE_DIR) or where they were to go, then restore again.',
  });
}

async function* lines(output: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of output) {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = (parts.pop() ?? '').slice(-65_536);
    yield* parts;
  }
  yield rest;
}

function stuck(): HoldfastError {
  return new HoldfastError(
    'repository_unreachable',
    `restic has fetched nothing more for ${STALL_MS / 60_000} minutes`,
  );
}
