import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../core/errors.ts';
import { ClosedStreamError } from '../process/backpressure.ts';
import { suffixOf, type Compressors } from '../process/compress.ts';
import { feed, type FeedFacts } from '../process/feed.ts';
import type { Child, Exit, Processes } from '../process/run.ts';
import type { SpoolOptions } from '../process/spool.ts';
import { backupSummary, findLine, retryOf } from './messages.ts';
import type { DumpToSave, PreparedSave, SavedSnapshot, SaveTarget } from './repository.ts';
import type { Restic } from './restic.ts';
import { timeArguments, timesOf, UTC, withFailures, type Times } from './save-steps.ts';
import { tagArguments } from './snapshots.ts';
import type { FailedSave } from './strays.ts';

export interface SaveDependencies {
  processes: Processes;
  compressors: Compressors;
  restic: Restic;
  host: string;
  spool: SpoolOptions;
  /** How restic's exit becomes an error. */
  errorOf: (exit: Exit) => HoldfastError;
  /** Removes what restic has stored all the same. */
  forgetStray: (failed: FailedSave) => Promise<void>;
  now: () => Date;
}

/** How long restic may take to say that it cleans up, and then to be gone. */
const CLEANUP_NOTICE_MS = 5_000;
const CLEANUP_MS = 60_000;
/** After the last byte restic has only its last packs and the index to write. */
const FINISH_MS = 30 * 60_000;

/** Starts restic for a dump that is yet to come: `Repository.prepare` says what is promised. */
export function prepareSave(deps: SaveDependencies, target: SaveTarget): PreparedSave {
  const startedAt = deps.now();
  const early = begin(deps, target).catch(() => null);
  let used = false;
  return {
    target,
    startedAt,
    save: async (dump, signal) => {
      used = true;
      const begun = await early;
      // Whatever ended it (a lock, a repository that was away) may be over by now; if it is not, this one tells.
      const ready = begun === null || begun.hasEnded() ? await begin(deps, target) : begun;
      return store(deps, ready, dump, signal);
    },
    cancel: async () => {
      if (used) return;
      used = true;
      const begun = await early;
      if (begun === null) return;
      // It may take the end of its input for the end of a dump after all. A backup that goes well would leave that as the newest one.
      await abandon(begun, deps, { inputEnded: false, bytes: null });
    },
  };
}

/** restic with an open stdin. */
interface Begun {
  child: Child;
  target: SaveTarget;
  /** Path with the compression's suffix. */
  path: string;
  times: Times;
  output: Promise<string>;
  hasEnded(): boolean;
  /** What restic says of a request that failed and that it will try again; null once one came through. */
  trouble(): string | null;
}

async function begin(deps: SaveDependencies, target: SaveTarget): Promise<Begun> {
  const path = target.path + suffixOf(target.compression);
  const { time, times } = timesOf(target.time, deps.now());
  let trouble: string | null = null;
  const onStderrLine = (line: string) => {
    const retry = retryOf(line);
    if (retry !== null) trouble = retry === 'failed' ? line : null;
  };
  const args = backupArguments(target, path, deps.host, time);
  const child = await deps.restic.start(args, { env: UTC, onStderrLine });
  let ended = false;
  void child.exit.then(() => (ended = true));
  return {
    child,
    target,
    path,
    times,
    output: collect(child),
    hasEnded: () => ended,
    trouble: () => trouble,
  };
}

/**
 * Stores a dump by the one protocol that leaves no truncated snapshot: restic's stdin stays open until the dump is known
 * good. For restic an end-of-file is the end of the dump, however the producer died, and it exits 0 on it.
 */
async function store(
  deps: SaveDependencies,
  begun: Begun,
  { open, onProgress }: DumpToSave,
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const { child, target, path, output } = begun;
  const gone = new AbortController();
  let fed = false;
  let given: number | null = null;
  let away: string | null = null;
  signal.addEventListener('abort', () => (away = begun.trouble()), { once: true });
  // restic that ends while it is being fed has failed, whatever its exit code: the dump must not go on.
  void child.exit.then((exit) => {
    if (!fed) gone.abort(deps.errorOf(exit));
  });

  try {
    const facts = await feed(deps.processes, {
      open,
      compress: deps.compressors.compress(target.compression),
      sink: child.stdin,
      spool: deps.spool,
      signal: AbortSignal.any([signal, gone.signal]),
      onProgress,
    });
    fed = true;
    given = facts.storedBytes;
    child.stdin.end();
    const exit = await endOf(child, signal);
    return confirmed(path, facts, exit, await output, deps);
  } catch (error) {
    fed = true;
    const failures = await abandon(begun, deps, { inputEnded: given !== null, bytes: given });
    const exit = await child.exit;
    // restic closed its input: why, its exit tells. Or it waited for a repository that was away when it was told to stop.
    const closed = error instanceof ClosedStreamError ? deps.errorOf(exit) : error;
    const cause = away === null ? closed : deps.errorOf({ ...exit, stderr: [away] });
    throw failures.length === 0 ? cause : withFailures(cause, failures);
  }
}

function backupArguments(request: SaveTarget, path: string, host: string, time?: Date): string[] {
  // Compressing what is compressed already only costs time.
  const compression = request.compression === 'none' ? 'auto' : 'off';
  const stdin = ['backup', '--stdin', '--stdin-filename', path];
  return [
    ...stdin,
    '--host',
    host,
    ...tagArguments(request.tags),
    ...timeArguments(time),
    '--compression',
    compression,
    '--json',
    '--quiet',
  ];
}

async function collect(child: Child): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>)
    text = (text + chunk.toString('utf8')).slice(-65_536);
  return text;
}

/** Waits for restic to finish after its end-of-file. From here on restic cannot be told to forget what it has. */
async function endOf(child: Child, signal: AbortSignal): Promise<Exit> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(FINISH_MS)]);
  const aborted = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new HoldfastError(
              'repository_unreachable',
              `restic did not finish within ${FINISH_MS / 60_000} minutes after the dump's end`,
            ),
      );
    if (late.aborted) fail();
    late.addEventListener('abort', fail, { once: true });
  });
  return Promise.race([child.exit, aborted]);
}

/** What "saved" means: exit 0, a summary, one file, and as many bytes as were written. */
function confirmed(
  path: string,
  facts: FeedFacts,
  exit: Exit,
  output: string,
  deps: SaveDependencies,
): SavedSnapshot {
  if (exit.code !== 0) throw deps.errorOf(exit);
  const summary = findLine(backupSummary, output);
  if (summary?.snapshot_id === undefined) {
    throw new HoldfastError('repository_failed', 'restic ended well but did not say which snapshot it saved');
  }
  if (summary.total_files_processed !== 1 || summary.total_bytes_processed !== facts.storedBytes) {
    throw new HoldfastError(
      'repository_failed',
      `restic stored ${summary.total_bytes_processed} bytes of the ${facts.storedBytes} that it was given`,
    );
  }
  return {
    id: summary.snapshot_id,
    path,
    dumpBytes: facts.dumpBytes,
    storedBytes: facts.storedBytes,
    addedBytes: summary.data_added_packed ?? summary.data_added,
    warnings: facts.warnings,
  };
}

/** Ends restic, and removes what it may have saved all the same. Returns what failed meanwhile. */
async function abandon(
  { child, target, path, times, output }: Begun,
  deps: SaveDependencies,
  { inputEnded, bytes }: Pick<FailedSave, 'inputEnded' | 'bytes'>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  const { exit, cleaned } = await endWithoutSnapshot(child);
  const failed = { path, tags: target.tags, times, exit, bytes, inputEnded: inputEnded || !cleaned };
  const named = findLine(backupSummary, await output.catch(() => ''))?.snapshot_id ?? null;
  await deps.forgetStray({ ...failed, named }).catch((error: unknown) => failures.push(error));
  return failures;
}

/**
 * Ends restic without a snapshot: SIGTERM while stdin is open, wait until it says that it cleans up, only then close
 * stdin (it is blocked in a read until then). Closing at once made a snapshot 4 times in 240. Tells whether it was gone, or cleaning up,
 * before its stdin was closed.
 */
async function endWithoutSnapshot(child: Child): Promise<{ exit: Exit; cleaned: boolean }> {
  child.signal('SIGTERM');
  const noticed = Promise.race([child.exit, child.said(/cleaning up/i)]).then(() => true);
  const cleaned = (await Promise.race([noticed, pause(CLEANUP_NOTICE_MS)])) === true;
  child.stdin.destroy();
  if ((await Promise.race([child.exit, pause(CLEANUP_MS)])) === undefined) child.signal('SIGKILL');
  return { exit: await child.exit, cleaned };
}

function pause(milliseconds: number): Promise<undefined> {
  return delay(milliseconds, undefined, { ref: false });
}
