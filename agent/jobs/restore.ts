import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../core/errors.ts';
import { humanBytes } from '../core/units.ts';
import type { Repository, Snapshot } from '../repository/repository.ts';
import type { Source } from '../sources/source.ts';
import { findSnapshot, type Wanted } from './find-snapshot.ts';
import type { Job, JobContext, Outcome } from './job.ts';
import { loadSnapshot, proveReadable } from './load.ts';

export type RestoreTarget =
  | { kind: 'overwrite' }
  | { kind: 'new-database'; name: string }
  | { kind: 'folder'; path: string }
  | { kind: 'stream'; stream: NodeJS.WritableStream };

export interface RestoreSettings {
  repository: Repository;
  wanted: Wanted;
  target: RestoreTarget;
  timeoutMs: number;
}

const DROP_TIMEOUT_MS = 60_000;

/** Restores one dump. Nothing of the target is touched before the snapshot has been read whole. */
export function restoreJob(source: Source, settings: RestoreSettings): Job {
  return {
    name: 'restore',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: async (context) => {
      // Clears a lock that a killed program left, or waits for a living one: reading takes a lock of its own and does neither.
      await settings.repository.identify(context.signal);
      const snapshot = await findSnapshot(settings.repository, source.name, settings.wanted, context.signal);
      const done = await restoreTo(source, snapshot, settings, context);
      return { warnings: [], ...done, facts: { snapshotId: snapshot.id, ...done.facts } };
    },
  };
}

async function restoreTo(
  source: Source,
  snapshot: Snapshot,
  settings: RestoreSettings,
  context: JobContext,
): Promise<Pick<Outcome, 'reason' | 'facts'>> {
  const { repository, target } = settings;
  switch (target.kind) {
    case 'folder':
      return writeFile(repository, snapshot, target.path, context);
    case 'stream':
      return writeStream(repository, snapshot, target.stream, context);
    case 'new-database':
      await source.createDatabase(target.name, context.signal);
      try {
        await loadSnapshot(repository, snapshot, source, target.name, context.onProgress, context.signal);
      } catch (error) {
        // We made it, and it holds an unknown part of the dump: nothing half restored may be taken for whole.
        await source.dropDatabase(target.name, AbortSignal.timeout(DROP_TIMEOUT_MS));
        throw error;
      }
      return loaded(source, snapshot, target.name, context.signal);
    case 'overwrite':
      return overwrite(source, repository, snapshot, context);
  }
}

async function overwrite(source: Source, repository: Repository, snapshot: Snapshot, context: JobContext) {
  await proveReadable(repository, snapshot, context.onProgress, context.signal);
  await source.emptyDatabase(source.database, context.signal);
  try {
    await loadSnapshot(repository, snapshot, source, source.database, context.onProgress, context.signal);
  } catch (error) {
    throw new HoldfastError(
      'restore_failed',
      `${source.database} was emptied and is not whole: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: `Mend the cause, then run \`holdfast restore ${source.name} --snapshot ${snapshot.shortId} --yes\` again.`,
        cause: error,
      },
    );
  }
  return loaded(source, snapshot, source.database, context.signal);
}

async function loaded(source: Source, snapshot: Snapshot, database: string, signal: AbortSignal) {
  const inventory = await source.inspect(database, signal);
  const rows = inventory.tables.reduce((total, table) => total + table.rows, 0);
  return {
    reason: `restored ${snapshot.shortId} of ${snapshot.time} into ${database}: ${inventory.tables.length} tables, ${rows} rows`,
    facts: { tables: inventory.tables.length, rows },
  };
}

async function writeFile(
  repository: Repository,
  snapshot: Snapshot,
  folder: string,
  { signal, onProgress }: JobContext,
) {
  await mkdir(folder, { recursive: true });
  const name = basename(snapshot.path).replace(/\.(gz|zst)$/, '');
  const path = join(folder, name);
  const partial = `${path}.partial`;
  const reading = repository.read(snapshot, signal);
  const progress = { step: `writing ${path}`, dumpBytes: 0, storedBytes: 0 };
  try {
    // Whoever may read the folder's owner's files may read it; a dump is a secret for everybody else.
    await pipeline(
      counted(reading.stream, progress, onProgress),
      createWriteStream(partial, { mode: 0o600 }),
      { signal },
    );
    await reading.done;
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return {
    reason: `wrote ${snapshot.shortId} of ${snapshot.time} to ${path}, ${humanBytes(progress.dumpBytes)}`,
    facts: { dumpBytes: progress.dumpBytes },
  };
}

/** A stream cannot be taken back: whoever reads it must heed the exit code. */
async function writeStream(
  repository: Repository,
  snapshot: Snapshot,
  stream: NodeJS.WritableStream,
  { signal }: JobContext,
) {
  const reading = repository.read(snapshot, signal);
  const progress = { step: '', dumpBytes: 0, storedBytes: 0 };
  await pipeline(
    counted(reading.stream, progress, () => undefined),
    stream,
    { signal, end: false },
  );
  await reading.done;
  await taken(stream, signal);
  return {
    reason: `wrote ${snapshot.shortId} of ${snapshot.time}, ${humanBytes(progress.dumpBytes)}`,
    facts: { dumpBytes: progress.dumpBytes },
  };
}

/** The end of a pipeline that leaves its stream open has only been handed over: until the reader has it, it may still be lost. */
function taken(stream: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    stream.write('', (error) => {
      signal.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve();
    });
  });
}

async function* counted<P extends { dumpBytes: number }>(
  stream: AsyncIterable<Buffer>,
  progress: P,
  onProgress: (progress: P) => void,
) {
  for await (const chunk of stream) {
    progress.dumpBytes += chunk.length;
    onProgress(progress);
    yield chunk;
  }
}
