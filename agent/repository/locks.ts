import { hostname } from 'node:os';
import { lockMessage, parseLine } from './messages.ts';
import type { Restic } from './restic.ts';

const TIMEOUT_MS = 60_000;

/**
 * Removes locks that a killed restic of this server left behind, and returns how many.
 *
 * restic itself treats every lock as live. Its plain `unlock` judges by host name and process id: in containers that
 * removes the live lock of a sibling with another process namespace, and sends a SIGHUP to whatever has that id now.
 * So this asks the kernel first: every restic of this state folder holds a lock on one file, and only when none does
 * is a repository lock with our host name known to be dead. Locks of other hosts are left to restic, which removes
 * them when they are older than 30 minutes.
 */
export async function clearDeadLocks(restic: Restic, signal: AbortSignal): Promise<number> {
  const before = await listLocks(restic, signal);
  if (before.length === 0) return 0;
  const hosts = await Promise.all(before.map((id) => hostOf(restic, id, signal)));
  const allOurs = hosts.every((host) => host === hostname());
  // `--remove-all` looks at no process id; it is safe exactly when every lock is ours and none of ours is alive.
  const unlock = allOurs ? ['unlock', '--remove-all'] : ['unlock'];
  const done = await restic.exclusively(unlock, { timeoutMs: TIMEOUT_MS, signal });
  if (done === null) return 0;
  const after = await listLocks(restic, signal);
  return before.filter((id) => !after.includes(id)).length;
}

async function listLocks(restic: Restic, signal: AbortSignal): Promise<string[]> {
  const { stdout } = await restic.run(['list', 'locks', '--no-lock'], { timeoutMs: TIMEOUT_MS, signal });
  return stdout.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line.trim()));
}

/** Null when the lock is gone by now, or is not readable: then it is not ours to remove. */
async function hostOf(restic: Restic, id: string, signal: AbortSignal): Promise<string | null> {
  const options = { timeoutMs: TIMEOUT_MS, signal, accept: [1] };
  const { code, stdout } = await restic.run(['cat', 'lock', id, '--no-lock'], options);
  return code === 0 ? (parseLine(lockMessage, stdout.replaceAll('\n', ' ').trim())?.hostname ?? null) : null;
}
