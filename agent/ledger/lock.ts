import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../core/errors.ts';
import { explained, isBusy } from './faults.ts';

/** Gives the lock back; a second call does nothing. */
export type Release = () => void;

/**
 * Takes the run lock, or returns null when anybody holds it: another process, another container on the same state volume,
 * or this very process. Does not wait (at most 100 ms, while two ask in the same instant: exactly one of them gets it).
 * The kernel gives the lock back when the holder dies, however it dies; nothing is ever stale and no file is ever removed.
 * Throws when the file cannot be opened.
 *
 * The lock is an exclusive transaction that writes nothing, that is a POSIX record lock. Those belong to the process:
 * do not open and close the lock file by other means (copying the state folder, say) in the process that holds it.
 */
export function acquireLock(path: string): Release | null {
  return explained(path, () => take(path), notALock);
}

function take(path: string): Release | null {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: 100 });
  try {
    // Without a journal in memory even this transaction would write a journal file, and fail on a full disk.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return holding(db);
}

/** Keeps what is held reachable: a collected connection would close, and with it the lock would be gone. */
const held = new Set<DatabaseSync>();

function holding(db: DatabaseSync): Release {
  held.add(db);
  return () => {
    if (held.delete(db)) db.close();
  };
}

function notALock(path: string, detail: string, cause: unknown): HoldfastError {
  return new HoldfastError('failed', `the lock file ${path} is unusable (${detail})`, {
    cause,
    hint: 'Nothing is kept in it: remove it, and the next run makes a new one.',
  });
}
