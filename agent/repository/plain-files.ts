import { createWriteStream } from 'node:fs';
import { link, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { HoldfastError } from '../core/errors.ts';
import { ClosedStreamError } from '../process/backpressure.ts';
import { suffixOf, type Compressors } from '../process/compress.ts';
import { feed } from '../process/feed.ts';
import type { Processes } from '../process/run.ts';
import type { SpoolOptions } from '../process/spool.ts';
import { fileName, nameWithoutTime, timeIn, UNFINISHED, type FilesOf } from './plain-names.ts';
import type { DumpToSave, PreparedSave, Repository, SavedSnapshot, SaveTarget } from './repository.ts';

export interface PlainFilesSettings {
  processes: Processes;
  compressors: Compressors;
  spool: SpoolOptions;
  folder: string;
  of: FilesOf;
  /** The time in the names of all files. */
  at: Date;
}

/** A folder of plain dumps of one source, each under the time at which it was made. */
export interface PlainFiles extends Pick<Repository, 'location' | 'prepare' | 'remove'> {
  /**
   * Of each name that was written the newest so many stay, and of all others every file; returns what was removed. A prelude counts as
   * written where its dump was.
   */
  rotate(keep: number): Promise<string[]>;
}

/**
 * Writes dumps as plain files: what has its name there is whole and on the disk, and is never replaced. The id of a saved one is its path.
 * Files are readable for their owner alone.
 */
export function createPlainFiles(settings: PlainFilesSettings): PlainFiles {
  const { folder } = settings;
  const written = new Set<string>();
  let leftovers: Promise<string[]> | null = null;
  const prepare = (target: SaveTarget): PreparedSave => ({
    target,
    startedAt: settings.at,
    save: async (dump, signal) => {
      // Looked for once, before this run writes anything: under the run's lock nobody writes the others of these any more.
      leftovers ??= unfinishedIn(folder);
      const saved = await save(settings, { target, leftovers: await leftovers }, dump, signal);
      written.add(saved.path);
      return saved;
    },
    cancel: () => Promise.resolve(),
  });
  return {
    location: folder,
    prepare,
    remove: async (ids) => {
      // Whatever comes of it: no older file goes for the sake of one that is to go itself.
      for (const path of ids) written.delete(path);
      for (const path of ids) await rm(path, { force: true });
    },
    rotate: (keep) => rotate(folder, written, keep),
  };
}

async function save(
  settings: PlainFilesSettings,
  { target, leftovers }: { target: SaveTarget; leftovers: string[] },
  { open, onProgress }: DumpToSave,
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const { folder, processes, compressors, spool, at } = settings;
  const path = join(folder, fileName(target.path, settings.of, at) + suffixOf(target.compression));
  const partial = path + UNFINISHED;
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(folder, cause);
  });
  const name = nameWithoutTime(basename(partial));
  for (const file of leftovers)
    if (name !== null && nameWithoutTime(file) === name) await rm(join(folder, file), { force: true });
  const sink = createWriteStream(partial, { mode: 0o600, flush: true });
  try {
    const facts = await feed(processes, {
      open,
      compress: compressors.compress(target.compression),
      sink,
      spool,
      signal,
      onProgress,
    });
    await ended(sink);
    await giveName(partial, path);
    const { dumpBytes, storedBytes, warnings } = facts;
    return { id: path, path, dumpBytes, storedBytes, addedBytes: storedBytes, warnings };
  } catch (error) {
    sink.destroy();
    await rm(partial, { force: true });
    throw isOfSink(error, sink) ? notWritten(path, sink.errored ?? error) : error;
  }
}

/** What killed runs left, which nobody will finish and which takes room. */
async function unfinishedIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files.filter((file) => file.endsWith(UNFINISHED));
}

function ended(sink: Writable): Promise<void> {
  sink.end();
  return finished(sink);
}

/** Throws where there is a file of the name. */
async function giveName(partial: string, path: string): Promise<void> {
  try {
    // To rename it would replace what is there.
    await link(partial, path);
    await rm(partial);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'EEXIST') throw thereAlready(path);
    if (!WITHOUT_LINKS.includes(code)) throw notWritten(path, error);
    if (await isThere(path)) throw thereAlready(path);
    await rename(partial, path);
  }
}

/** What is said where a disk knows no second name for a file: exFAT, folders that a desktop shares. */
const WITHOUT_LINKS: unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function thereAlready(path: string): HoldfastError {
  return new HoldfastError('failed', `${path} is there already, and a dump replaces no other`, {
    hint: 'Run it again: the time is in the name. Or choose another folder with --output.',
  });
}

function isOfSink(error: unknown, sink: Writable): boolean {
  return error === sink.errored || (error instanceof ClosedStreamError && error.target === sink);
}

function notWritten(path: string, cause: unknown): HoldfastError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new HoldfastError('failed', `${path} could not be written: ${said}`, {
    hint: 'Make room there, or choose another folder with --output; nothing half written is left behind.',
    cause,
  });
}

async function rotate(folder: string, written: Set<string>, keep: number): Promise<string[]> {
  // By a clock that was ahead older ones may bear a later time: what was written just now stays.
  const own = new Set([...written].map((path) => basename(path)));
  const all = new Set([...own].map(nameWithoutTime));
  const names = new Set(
    [...all].filter((name) => all.has(name?.replace(/\.prelude\.sql$/, '.dump') ?? null)),
  );
  const files = (await readdir(folder)).filter(
    (file) =>
      !file.endsWith(UNFINISHED) && nameWithoutTime(file) !== null && names.has(nameWithoutTime(file)),
  );
  const old = [...Map.groupBy(files, nameWithoutTime).values()]
    .flatMap((group) =>
      group.toSorted((one, other) => timeIn(one).localeCompare(timeIn(other))).slice(0, -keep),
    )
    .filter((file) => !own.has(file));
  for (const file of old) await rm(join(folder, file), { force: true });
  return old;
}
