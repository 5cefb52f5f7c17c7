import { basename } from 'node:path';
import { HoldfastError } from '../core/errors.ts';
import { STAGING } from '../core/staging.ts';
import type { Child, Exit } from '../process/run.ts';
import { backupItem, backupStatus, backupSummary, parseLine } from './messages.ts';
import type { FolderToSave, SavedFolder } from './repository.ts';
import type { Restic } from './restic.ts';
import { timeArguments, timesOf, UTC, withFailures } from './save-steps.ts';
import { tagArguments } from './snapshots.ts';
import type { FailedSave } from './strays.ts';

export interface SaveFolderDependencies {
  restic: Restic;
  host: string;
  /** How restic's exit becomes an error. */
  errorOf: (exit: Exit) => HoldfastError;
  /** Removes what restic has stored all the same. */
  forgetStray: (failed: FailedSave) => Promise<void>;
  now: () => Date;
}

/** restic that has read nothing more for so long is taken for stuck; its own retries end after a quarter of an hour. */
const STALL_MS = 30 * 60_000;
/** How long restic may take to be gone once it is told to end. */
const CLEANUP_MS = 60_000;

/** Stores a staged folder: `Repository.saveFolder` says what is promised. */
export async function saveFolder(
  deps: SaveFolderDependencies,
  request: FolderToSave,
  signal: AbortSignal,
): Promise<SavedFolder> {
  if (basename(request.staging) !== STAGING) throw new Error(`${request.staging} is not called ${STAGING}`);
  signal.throwIfAborted();
  const { time, times } = timesOf(request.time, deps.now());
  const child = await deps.restic.start(backupArguments(request, deps.host, time), {
    env: UTC,
    // Relative to here, so that the snapshot holds the paths below it and not those of this disk.
    cwd: request.staging,
  });
  child.stdin.end();
  const said: Said = { summary: null, addedOf: new Map() };
  try {
    await watch(child, said, request, signal);
    const exit = await child.exit;
    signal.throwIfAborted();
    // 3: a snapshot that lacks what could not be read. It is none.
    if (exit.code !== 0) throw deps.errorOf(exit);
    return confirmed(request, said);
  } catch (error) {
    const failures: unknown[] = [];
    const exit = await child.stop(CLEANUP_MS);
    const { path, tags, bytes } = request;
    await deps
      .forgetStray({
        path,
        tags,
        times,
        exit,
        bytes,
        named: said.summary?.snapshot_id ?? null,
        inputEnded: true,
      })
      .catch((failure: unknown) => failures.push(failure));
    throw failures.length === 0 ? error : withFailures(error, failures);
  }
}

function backupArguments({ path, tags }: FolderToSave, host: string, time?: Date): string[] {
  return [
    'backup',
    // Each file is read: restic would take one of the same size and time as last time for unchanged.
    '--force',
    '--no-scan',
    '--host',
    host,
    ...tagArguments(tags),
    ...timeArguments(time),
    '--compression',
    'auto',
    '--json',
    // Tells of each file what it has added.
    '--verbose=2',
    '--',
    path.slice(1),
  ];
}

interface Said {
  summary: ReturnType<typeof backupSummary.parse> | null;
  addedOf: Map<string, number>;
}

/** Reads what restic says to its end; ends it when the signal does, or when it stands still. */
async function watch(
  child: Child,
  said: Said,
  { onProgress }: FolderToSave,
  signal: AbortSignal,
): Promise<void> {
  const stalled = new AbortController();
  const watchdog = setTimeout(() => stalled.abort(stuck()), STALL_MS);
  const late = AbortSignal.any([signal, stalled.signal]);
  const stop = () => void child.stop(CLEANUP_MS);
  late.addEventListener('abort', stop, { once: true });
  // It may have come while restic was started.
  if (late.aborted) stop();
  let read = 0;
  try {
    for await (const line of lines(child)) {
      const item = parseLine(backupItem, line);
      if (item !== undefined) {
        said.addedOf.set(item.item, item.data_size_in_repo);
        watchdog.refresh();
        continue;
      }
      said.summary = parseLine(backupSummary, line) ?? said.summary;
      const done = parseLine(backupStatus, line)?.bytes_done ?? 0;
      if (done <= read) continue;
      read = done;
      watchdog.refresh();
      onProgress?.({ dumpBytes: read, storedBytes: read });
    }
  } finally {
    clearTimeout(watchdog);
    late.removeEventListener('abort', stop);
  }
  late.throwIfAborted();
}

async function* lines(child: Child): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    // A status line with the names of current files is short; what is longer is not restic's JSON.
    rest = (parts.pop() ?? '').slice(-65_536);
    yield* parts;
  }
  yield rest;
}

function stuck(): HoldfastError {
  return new HoldfastError(
    'repository_unreachable',
    `restic has stored nothing more for ${STALL_MS / 60_000} minutes`,
  );
}

/** What "saved" means: exit 0, a summary, and as many files and bytes as were staged. */
function confirmed({ path, files, bytes }: FolderToSave, { summary, addedOf }: Said): SavedFolder {
  if (summary?.snapshot_id === undefined) {
    throw new HoldfastError('repository_failed', 'restic ended well but did not say which snapshot it saved');
  }
  if (summary.total_files_processed !== files || summary.total_bytes_processed !== bytes) {
    throw new HoldfastError(
      'repository_failed',
      `restic stored ${summary.total_files_processed} files with ${summary.total_bytes_processed} bytes, ` +
        `and ${files} with ${bytes} were staged`,
    );
  }
  return {
    id: summary.snapshot_id,
    path,
    dumpBytes: bytes,
    storedBytes: bytes,
    addedBytes: summary.data_added_packed ?? summary.data_added,
    warnings: [],
    addedOf,
  };
}
