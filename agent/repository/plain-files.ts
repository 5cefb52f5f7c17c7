import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { HoldfastError } from '../core/errors.ts';
import { ClosedStreamError } from '../process/backpressure.ts';
import { suffixOf, type Compressors } from '../process/compress.ts';
import { feed } from '../process/feed.ts';
import type { Processes } from '../process/run.ts';
import type { SpoolOptions } from '../process/spool.ts';
import type { DumpToSave, PreparedSave, Repository, SavedSnapshot, SaveTarget } from './repository.ts';

export interface PlainFilesSettings {
  processes: Processes;
  compressors: Compressors;
  spool: SpoolOptions;
  folder: string;
  /** The time in the names of all files. */
  at: Date;
}

/** A folder of plain dumps, each under the time at which it was made. */
export interface PlainFiles extends Pick<Repository, 'location' | 'prepare' | 'remove'> {
  /** Of each name that was written the newest so many stay; returns what was removed. */
  rotate(keep: number): Promise<string[]>;
}

/**
 * Writes dumps as plain files: what has its name there is whole and on the disk. The id of a saved one is its path. Files are readable for
 * their owner alone.
 */
export function createPlainFiles(settings: PlainFilesSettings): PlainFiles {
  const { folder } = settings;
  const written: string[] = [];
  const prepare = (target: SaveTarget): PreparedSave => ({
    target,
    startedAt: settings.at,
    save: async (dump, signal) => {
      const saved = await save(settings, target, dump, signal);
      written.push(saved.path);
      return saved;
    },
    cancel: () => Promise.resolve(),
  });
  return {
    location: folder,
    prepare,
    remove: async (ids) => {
      for (const path of ids) {
        await rm(path, { force: true });
        written.splice(written.indexOf(path), 1);
      }
    },
    rotate: (keep) => rotate(folder, written, keep),
  };
}

async function save(
  settings: PlainFilesSettings,
  target: SaveTarget,
  { open, onProgress }: DumpToSave,
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const { folder, processes, compressors, spool, at } = settings;
  const path = join(folder, fileName(target.path, at) + suffixOf(target.compression));
  const partial = `${path}.partial`;
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(folder, cause);
  });
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
    await rename(partial, path);
    const { dumpBytes, storedBytes, warnings } = facts;
    return { id: path, path, dumpBytes, storedBytes, addedBytes: storedBytes, warnings };
  } catch (error) {
    sink.destroy();
    await rm(partial, { force: true });
    throw isOfSink(error, sink) ? notWritten(path, sink.errored ?? error) : error;
  }
}

function ended(sink: Writable): Promise<void> {
  sink.end();
  return finished(sink);
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

/** `/postgres/clinic/tenant_42.dump` becomes `clinic.tenant_42_20261121T150000Z.dump`. */
function fileName(path: string, at: Date): string {
  const name = path.split('/').slice(2).join('.');
  const kind = KIND.exec(name)?.[0] ?? '';
  const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  return `${name.slice(0, name.length - kind.length)}_${stamp}${kind}`;
}

const KIND = /(\.prelude|\.globals|\.global\.roles|\.global)?\.(dump|sql)$/;
const STAMPED = /^(.+)_\d{8}T\d{6}Z(\.[a-z.]+?)(?:\.gz|\.zst)?$/;

async function rotate(folder: string, written: string[], keep: number): Promise<string[]> {
  const nameOf = (file: string) => STAMPED.exec(file)?.slice(1).join('') ?? null;
  const names = new Set(written.map((path) => nameOf(basename(path))));
  // Of one name, the times in it sort as the files do.
  const files = (await readdir(folder)).filter((file) => names.has(nameOf(file)) && nameOf(file) !== null);
  const old = [...Map.groupBy(files, nameOf).values()].flatMap((group) =>
    group.toSorted(byStamp).slice(0, -keep),
  );
  for (const file of old) await rm(join(folder, file), { force: true });
  return old;
}

function byStamp(one: string, other: string): number {
  const stampOf = (file: string) => /_(\d{8}T\d{6}Z)\.[a-z.]+$/.exec(file)?.[1] ?? '';
  return stampOf(one).localeCompare(stampOf(other));
}
