import { hostname } from 'node:os';
import type { z } from 'zod';
import { lockMessage, parseLine } from './messages.ts';
import type { Restic } from './restic.ts';

const TIMEOUT_MS = 60_000;
/** A living restic renews its lock every five minutes; restic itself calls one stale after this. */
const STALE_MS = 30 * 60_000;

/** `left`: locks of this state folder that are still there, for another restic was at work; to be tried again. */
export interface LocksCleared {
  removed: number;
  left: number;
}

/**
 * Removes locks that a killed restic of this state folder left behind.
 *
 * restic itself treats every lock as live. Its plain `unlock` judges by host name and process id: in containers that
 * removes the live lock of a sibling with another process namespace, and sends a SIGHUP to whatever has that id now.
 * So a lock is ours only if we started a restic of that id; and it is dead only if the kernel says so: every restic of
 * this state folder holds a lock on one file. A lock of anybody else is left to restic, once it is too old to be alive.
 */
export async function clearDeadLocks(restic: Restic, now: Date, signal: AbortSignal): Promise<LocksCleared> {
  const before = await listLocks(restic, signal);
  if (before.length === 0) return { removed: 0, left: 0 };
  const locks = await Promise.all(before.map((id) => readLock(restic, id, signal)));
  const ours = before.filter((_, i) => isOurs(locks[i] ?? null, restic));
  const command = unlockCommand(locks, restic, now);
  const noted = restic.unsettled();
  if (command === null || (await restic.exclusively(command, { timeoutMs: TIMEOUT_MS, signal })) === null)
    return { removed: 0, left: ours.length };
  const after = await listLocks(restic, signal);
  // Nothing of those that were noted by then is alive, and nothing of theirs is left.
  if (after.every((id) => before.includes(id) && !ours.includes(id))) restic.settle(noted);
  return {
    removed: before.filter((id) => !after.includes(id)).length,
    left: ours.filter((id) => after.includes(id)).length,
  };
}

/**
 * Where none of the locks is ours while no restic of this state folder is alive, none that was started until then has one any more: one
 * that was killed long ago must not make us take the lock of another server, which may have its process id by now, for ours.
 */
export async function settleNotes(restic: Restic, signal: AbortSignal): Promise<void> {
  const noted = restic.unsettled();
  if (noted.length === 0) return;
  const listed = await restic.exclusively(LIST, { timeoutMs: TIMEOUT_MS, signal });
  if (listed === null) return;
  const locks = await Promise.all(idsIn(listed.stdout).map((id) => readLock(restic, id, signal)));
  if (locks.every((lock) => lock !== null && !isOurs(lock, restic))) restic.settle(noted);
}

type Lock = z.infer<typeof lockMessage>;

function isOurs(lock: Lock | null, restic: Restic): boolean {
  return lock !== null && lock.hostname === hostname() && restic.started(lock.pid, new Date(lock.time));
}

function unlockCommand(locks: (Lock | null)[], restic: Restic, now: Date): string[] | null {
  // It looks at no process id; it is safe exactly when every lock is ours, and run while none of ours is alive.
  if (locks.every((lock) => isOurs(lock, restic))) return ['unlock', '--remove-all'];
  const mayBeAlive = (lock: Lock | null) =>
    lock === null ||
    (lock.hostname === hostname() &&
      !isOurs(lock, restic) &&
      now.getTime() - Date.parse(lock.time) < STALE_MS);
  return locks.some(mayBeAlive) ? null : ['unlock'];
}

async function listLocks(restic: Restic, signal: AbortSignal): Promise<string[]> {
  return idsIn((await restic.run(LIST, { timeoutMs: TIMEOUT_MS, signal })).stdout);
}

const LIST = ['list', 'locks', '--no-lock'];

function idsIn(stdout: string): string[] {
  return stdout.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line.trim()));
}

/** Null when the lock is gone by now, or is not readable: then nothing is known of it. */
async function readLock(restic: Restic, id: string, signal: AbortSignal): Promise<Lock | null> {
  const options = { timeoutMs: TIMEOUT_MS, signal, accept: [1] };
  const { code, stdout } = await restic.run(['cat', 'lock', id, '--no-lock'], options);
  return code === 0 ? (parseLine(lockMessage, stdout.replaceAll('\n', ' ').trim()) ?? null) : null;
}
