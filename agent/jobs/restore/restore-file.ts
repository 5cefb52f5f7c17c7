import { HoldfastError } from '../../core/errors.ts';
import { counted, humanBytes } from '../../core/units.ts';
import type { Owners, Source } from '../../sources/source.ts';
import type { Job, JobContext, Outcome } from '../job.ts';

export interface RestoreFileSettings {
  /** The file, as messages name it. */
  path: string;
  /** A tenant's prelude beside it; null for none. */
  preludePath: string | null;
  /** As `read`, with what the prelude takes in from beside itself. */
  readPrelude: (path: string, signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Plain bytes of a file; throws what is wrong with it at the latest behind its last good byte. */
  read: (path: string, signal: AbortSignal) => AsyncIterable<Buffer>;
  /** A new database; where the name is not one that somebody gave, and is taken, it gets a number at its end. */
  target: { name: string; isGiven: boolean };
  /** Whether it is one of PostgreSQL, whose dumps are archives. */
  isPostgres: boolean;
  /** Looks into an archive before anything is made of it, and throws what is wrong with it; null for nothing to look for. */
  check: ((dump: AsyncIterable<Buffer>, signal: AbortSignal) => Promise<void>) | null;
  /** What the file must be: a dump of the engine's own form, or a script. */
  expects: 'dump' | 'script';
  owners: Owners;
  timeoutMs: number;
}

/** Restores a dump in a file into a new database, which is dropped again when it does not become whole. */
export function restoreFileJob(source: Source, settings: RestoreFileSettings): Job {
  return {
    name: 'restore',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => restoreFile(source, settings, context),
  };
}

const DROP_TIMEOUT_MS = 60_000;

async function restoreFile(
  source: Source,
  settings: RestoreFileSettings,
  context: JobContext,
): Promise<Outcome> {
  const { path, preludePath, isPostgres, expects } = settings;
  const { signal } = context;
  // Before anything is made: a wrong file is told as such.
  const isArchive = await beginsAsArchive(settings, signal);
  if (preludePath !== null) await beginsAsArchive({ ...settings, path: preludePath }, signal);
  const form = isArchive ? 'an archive of pg_dump' : 'a script';
  if (expects === 'script' && isArchive) throw wrongFile(path, form, 'a script of SQL');
  if (!isPostgres && isArchive) throw wrongFile(path, form, 'a dump of MySQL or MariaDB');
  if (settings.check !== null) {
    if (!isArchive) throw wrongFile(path, form, "a tenant's dump, which is an archive");
    await settings.check(settings.read(path, signal), signal);
  }

  const { target, lacks } = await createTarget(source, settings.target, signal);
  try {
    const progress = { step: `loading ${path} into ${target}`, dumpBytes: 0, storedBytes: 0 };
    if (preludePath !== null)
      await source.runScript(target, settings.readPrelude(preludePath, signal), signal);
    const bytes = counting(settings.read(path, signal), (count) => {
      progress.dumpBytes += count;
      context.onProgress({ ...progress });
    });
    const notes =
      isArchive || !isPostgres
        ? (await source.restoreInto(target, bytes, signal, { owners: settings.owners })).notes
        : await source.runScript(target, bytes, signal).then(() => []);
    const { tables } = await source.inspect(target, signal);
    const rows = tables.reduce((total, table) => total + table.rows, 0);
    return {
      reason: [
        `restored ${path}, ${humanBytes(progress.dumpBytes)}, into ${target}: ${counted(tables.length, 'table')}, ${counted(rows, 'row')}`,
        'not compared: a file has no proof',
        ...notes,
      ].join('; '),
      warnings: [
        ...lacks,
        ...(settings.check !== null && preludePath === null
          ? [`no prelude lies beside ${path}: what the tenant needs outside its schema was not restored`]
          : []),
      ],
      facts: { dumpBytes: progress.dumpBytes },
    };
  } catch (error) {
    await source.dropDatabase(target, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch((failure: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      throw new HoldfastError(
        'restore_failed',
        `${target} could not be dropped again and is not whole: ${said}`,
        {
          hint: `Drop ${target} by hand.`,
          cause: failure,
        },
      );
    });
    throw error;
  }
}

const MOST_OF_A_SECOND = 9;

async function createTarget(
  source: Source,
  { name, isGiven }: RestoreFileSettings['target'],
  signal: AbortSignal,
): Promise<{ target: string; lacks: string[] }> {
  for (let number = 1; ; number += 1) {
    const target = number === 1 ? name : `${name}_${number}`;
    try {
      return { target, lacks: await source.createDatabase(target, signal) };
    } catch (error) {
      // Another restore of the same second has it.
      const isTaken = error instanceof HoldfastError && error.kind === 'target_not_empty';
      if (isGiven || !isTaken || number === MOST_OF_A_SECOND) throw error;
    }
  }
}

const ARCHIVE = 'PGDMP';

async function beginsAsArchive({ path, read }: RestoreFileSettings, signal: AbortSignal): Promise<boolean> {
  for await (const chunk of read(path, signal)) {
    if (chunk.length > 0) return chunk.subarray(0, ARCHIVE.length).toString('latin1') === ARCHIVE;
  }
  throw new HoldfastError('usage', `${path} is empty`, { hint: 'Take another file.' });
}

async function* counting(
  bytes: AsyncIterable<Buffer>,
  tell: (count: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    tell(chunk.length);
    yield chunk;
  }
}

function wrongFile(path: string, is: string, wanted: string): HoldfastError {
  return new HoldfastError('usage', `${path} is ${is}, and not ${wanted}`, {
    hint: 'See with `head -c 5`: an archive begins with PGDMP, and `holdfast load` takes it as it is; a script needs --script.',
  });
}
