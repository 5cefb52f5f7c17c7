import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Dump } from '../../sources/source.ts';
import { ensureRepository, type Notes } from '../init.ts';
import type { Job, Outcome } from '../job.ts';
import { openToRead } from '../open-repository.ts';

export interface StoreLedgerSettings {
  repository: Repository;
  ledger: Pick<Ledger, 'copyTo'> & Notes;
  /** Where the copy lies meanwhile; it is emptied after a crash. */
  folder: string;
  /** Whether older copies are removed: one is enough, but not where nothing is ever removed. */
  removeOlder: boolean;
  now: () => Date;
  timeoutMs: number;
}

/** Where it lies in the repository; docs/runbook.md tells how to get it back. */
const LEDGER_PATH = '/holdfast/ledger.db';

/** Whether the ledger was stored so long ago that a backup is followed by it: about once a day. */
export function ledgerIsDue(notes: Pick<Notes, 'recall'>, now: Date): boolean {
  const stored = notes.recall(STORED);
  // A time in the future comes from a clock that was wrong.
  const age = stored === null ? Infinity : now.getTime() - Date.parse(stored);
  return age < 0 || age > ABOUT_A_DAY_MS;
}

/**
 * Stores a copy of the ledger in the repository, so that after the loss of the server its history is there: what was verified and
 * accepted, and when. Its snapshot is older than the newest dump, which stays what `latest` names.
 */
export function storeLedgerJob(settings: StoreLedgerSettings): Job {
  return {
    name: 'ledger',
    source: null,
    timeoutMs: settings.timeoutMs,
    run: ({ signal }) => storeLedger(settings, signal),
  };
}

const STORED = 'ledger stored';
/** Less than a day, so that the daily backup is not a minute too early each time. */
const ABOUT_A_DAY_MS = 20 * 3_600_000;

async function storeLedger(
  { repository, ledger, folder, removeOlder, now }: StoreLedgerSettings,
  signal: AbortSignal,
): Promise<Outcome> {
  let repositoryId = '';
  const listed = await openToRead(repository, signal, async () => {
    ({ id: repositoryId } = await ensureRepository(repository, ledger, signal));
  });
  const newest = (await listed.list({ kind: 'dump' }, signal)).at(-1);
  const older = removeOlder ? await listed.list({ kind: 'ledger' }, signal) : [];
  if (newest === undefined) {
    return {
      reason: 'there is no dump yet beside which the ledger could be stored',
      warnings: [],
      facts: { repositoryId },
    };
  }
  const copy = join(folder, 'ledger-copy.db');
  await mkdir(folder, { recursive: true });
  await rm(copy, { force: true });
  try {
    ledger.copyTo(copy);
    const saved = await repository.save(
      {
        path: LEDGER_PATH,
        tags: { source: 'holdfast', engine: 'sqlite', kind: 'ledger' },
        open: (stop) => fileDump(copy, stop),
        compression: 'none',
        time: justBefore(newest.time),
      },
      signal,
    );
    ledger.remember(STORED, now().toISOString());
    await repository.remove(
      older.map(({ id }) => id),
      signal,
    );
    return {
      reason: `stored the ledger as ${saved.id.slice(0, 8)}`,
      warnings: [],
      facts: { repositoryId, snapshotId: saved.id, addedBytes: saved.addedBytes },
    };
  } finally {
    await rm(copy, { force: true });
  }
}

/** The last whole second before a time: restic takes no finer one, and of two equal times nobody knows which is `latest`. */
function justBefore(time: string): Date {
  return new Date((Math.ceil(Date.parse(time) / 1000) - 1) * 1000);
}

/** A file as a dump: known whole when as many bytes were read as it has. */
function fileDump(path: string, signal: AbortSignal): Dump {
  const stream = createReadStream(path, { signal });
  const done = new Promise<{ bytes: number; warnings: string[] }>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('close', () => {
      void stat(path).then(({ size }) => {
        if (size === stream.bytesRead) resolve({ bytes: size, warnings: [] });
        else reject(new Error(`${stream.bytesRead} of ${size} bytes of the ledger's copy were read`));
      }, reject);
    });
  });
  done.catch(() => undefined);
  return { stream, done };
}
