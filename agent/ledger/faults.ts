import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HoldfastError } from '../core/errors.ts';

/** SQLite's primary result codes that mean something to a person. */
const SQLITE = {
  busy: 5,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** Runs the action; what SQLite throws comes out as one sentence about the file at `path`, with what to type. */
export function explained<T>(path: string, action: () => T, whenDamaged = damaged): T {
  try {
    return action();
  } catch (error) {
    throw isDamage(error) ? whenDamaged(path, messageOf(error), error) : explain(path, error);
  }
}

/** Whether another process holds what this one asked for. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === SQLITE.busy;
}

/** The error for a ledger whose content is broken: says that history alone is lost, and how to go on. */
export function damaged(path: string, detail: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'failed',
    `the ledger ${path} is damaged (${detail}); only the history of runs is in it, no backup is lost`,
    { cause, hint: `Set it aside and start again with an empty history: ${setAside(path)}` },
  );
}

function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

function explain(path: string, error: unknown): unknown {
  switch (codeOf(error)) {
    case SQLITE.busy:
      return new HoldfastError('busy', `another process keeps ${path} busy`, {
        cause: error,
        hint: 'Wait until it is done and try again; `holdfast history` shows what runs.',
      });
    case SQLITE.full:
      return noSpace(path, error);
    case SQLITE.readOnly:
    case SQLITE.cannotOpen:
      return cannotWrite(path, error);
    case SQLITE.io:
      // The files beside the ledger are mapped: that they cannot grow comes as an error of reading and writing.
      if (isFull(path)) return noSpace(path, error);
      return new HoldfastError('failed', `reading or writing ${path} failed (${messageOf(error)})`, {
        cause: error,
        hint: 'Look at the disk that holds HOLDFAST_STATE_DIR: `dmesg` and `df -h` tell more.',
      });
    default:
      return folderCannotBeMade(error) ? cannotWrite(path, error) : error;
  }
}

function isFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < LEAST_BYTES;
  } catch {
    return false;
  }
}

/** SQLite's index of the write-ahead log grows by so much at a time. */
const LEAST_BYTES = 32 * 1024;

function noSpace(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('failed', `no space left to write ${path}`, {
    cause,
    hint: 'Free some space on the volume that holds HOLDFAST_STATE_DIR.',
  });
}

function cannotWrite(path: string, error: unknown): HoldfastError {
  return new HoldfastError('failed', `cannot write ${path} (${messageOf(error)})`, {
    cause: error,
    hint: 'HOLDFAST_STATE_DIR must be a folder that the user of this process may write.',
  });
}

function folderCannotBeMade(error: unknown): boolean {
  return (error as { syscall?: unknown } | null)?.syscall === 'mkdir';
}

/** The rest of the write-ahead log belongs to the damaged file: left in place it would spoil the new one. */
function setAside(path: string): string {
  return `for f in ${quoted(path)}*; do mv "$f" "$f.damaged"; done`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Extended result codes carry the primary one in their low byte. */
function codeOf(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
