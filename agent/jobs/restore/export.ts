import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../core/errors.ts';
import { ON_DEMAND_KINDS, TENANT_KINDS, type PartKind } from '../../core/glossary.ts';
import { isFolderPath } from '../../core/folder-path.ts';
import { humanBytes } from '../../core/units.ts';
import { utc } from '../../core/clock.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import { openToRead } from '../open-repository.ts';
import { findSnapshot, type Wanted } from '../find-snapshot.ts';
import type { Job, JobContext, Progress } from '../job.ts';
import { readCounted } from '../reading.ts';
import { backupOf } from '../size-up.ts';

export type ExportTarget =
  { kind: 'folder'; path: string } | { kind: 'stream'; stream: NodeJS.WritableStream };

export interface ExportSettings {
  repository: Repository;
  wanted: Wanted;
  target: ExportTarget;
  /** For the order and the sizes of the dumps. */
  ledger: Pick<Ledger, 'recent'>;
  now: () => Date;
  timeoutMs: number;
}

/** Restores one dump as the plain file that it is. Needs no database, so that a bare new server can do it. */
export function exportJob(source: string, settings: ExportSettings): Job {
  const { wanted, target } = settings;
  return {
    name: 'restore',
    source,
    timeoutMs: settings.timeoutMs,
    run: async (context) => {
      const repository = await openToRead(settings.repository, context.signal);
      const { snapshot, note } = await findSnapshot(
        repository,
        source,
        wanted,
        settings,
        context.signal,
        PARTS,
      );
      const known = backupOf(settings.ledger, source, snapshot.id)?.facts.dumpBytes ?? null;
      const done =
        target.kind === 'folder'
          ? await writeFile(repository, { snapshot, known }, target.path, context)
          : await writeStream(repository, snapshot, target.stream, context);
      return {
        warnings: note === null ? [] : [note],
        ...done,
        facts: { snapshotId: snapshot.id, ...done.facts },
      };
    },
  };
}

/** Each of them is a plain file too. */
const PARTS: readonly PartKind[] = ['globals', 'global', 'global-roles', ...TENANT_KINDS, ...ON_DEMAND_KINDS];

async function writeFile(
  repository: Repository,
  { snapshot, known }: { snapshot: Snapshot; known: number | null },
  folder: string,
  { signal, onProgress }: JobContext,
) {
  await mkdir(folder, { recursive: true });
  const name = basename(snapshot.path).replace(/\.(gz|zst)$/, '');
  const path = join(folder, name);
  const partial = `${path}.partial`;
  // What a killed one left takes room.
  await rm(partial, { recursive: true, force: true });
  await requireRoom(folder, snapshot, known);
  const progress: Progress = { step: `writing ${path}`, dumpBytes: 0, storedBytes: 0 };
  if (known !== null) progress.totalBytes = known;
  try {
    if (isFolder(snapshot)) {
      await refuseThere(path);
      await mkdir(partial, { mode: 0o700 });
      const onBytes = (bytes: number) => onProgress({ ...progress, dumpBytes: bytes });
      await repository.fetch(snapshot, { into: partial, names: null, onBytes }, signal);
      progress.dumpBytes = snapshot.bytes ?? 0;
    } else {
      // Whoever may read the folder's owner's files may read it; a dump is a secret for everybody else.
      await pipeline(
        readCounted({ repository, snapshot, progress }, onProgress, signal),
        createWriteStream(partial, { mode: 0o600, flush: true }),
        { signal },
      );
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isFull(error) ? noRoom(`no space is left in ${folder}`, error) : error;
  }
  return {
    reason: `wrote ${snapshot.shortId} of ${utc(new Date(snapshot.time))} to ${path}, ${humanBytes(progress.dumpBytes)}`,
    facts: { dumpBytes: progress.dumpBytes },
  };
}

/** A dump as a folder, or a set of tenants: read as a stream, it would be an archive of tar. */
function isFolder({ path, tags }: Snapshot): boolean {
  return isFolderPath(path) || tags?.kind === 'tenant-set';
}

/** A file takes the place of one of its name; a folder that is there may hold anything. */
async function refuseThere(path: string): Promise<void> {
  const there = await stat(path).catch(() => null);
  if (there === null) return;
  throw new HoldfastError('target_not_empty', `${path} is there already`, {
    hint: 'Give another folder, or remove it first.',
  });
}

/** A packed file may be a little larger than what is in it, where that could not be packed at all. */
const LEAST_SHARE = 0.99;

/** Throws `target_full` where the file surely does not fit: unpacked it takes what the ledger says, or at least what it takes packed. */
async function requireRoom(folder: string, snapshot: Snapshot, known: number | null): Promise<void> {
  const least = known ?? Math.floor((snapshot.bytes ?? 0) * LEAST_SHARE);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= least) return;
  const takes = known === null ? `more than ${humanBytes(least)}` : humanBytes(least);
  throw noRoom(`${folder} has ${humanBytes(free)} free, and ${snapshot.shortId} takes ${takes} there`);
}

function isFull(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function noRoom(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('target_full', message, {
    hint: 'Give a folder on a larger disk, or pack it as it comes: `holdfast restore SOURCE --output - | gzip > FILE`.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A stream cannot be taken back: whoever reads it must heed the exit code. */
async function writeStream(
  repository: Repository,
  snapshot: Snapshot,
  stream: NodeJS.WritableStream,
  { signal }: JobContext,
) {
  if (isFolder(snapshot)) {
    throw new HoldfastError('usage', `${snapshot.shortId} holds a folder of files, which is no stream`, {
      hint: 'Give a folder to write it into: --output DIR.',
    });
  }
  const progress = { step: '', dumpBytes: 0, storedBytes: 0 };
  await pipeline(
    readCounted({ repository, snapshot, progress }, () => undefined, signal),
    stream,
    { signal, end: false },
  );
  await taken(stream, signal);
  return {
    reason: `wrote ${snapshot.shortId} of ${utc(new Date(snapshot.time))}, ${humanBytes(progress.dumpBytes)}`,
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
