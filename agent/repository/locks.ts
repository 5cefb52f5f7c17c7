import { readFileSync } from 'node:fs';
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
  const holders = await Promise.all(before.map((id) => holderOf(restic, id, signal)));
  const allOurs = holders.every((holder) => holder?.hostname === hostname());
  // A person's own restic, or that of another state folder: alive, though it holds no lock on our file.
  if (allOurs && holders.some((holder) => holder !== null && isRestic(holder.pid))) return 0;
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
async function holderOf(
  restic: Restic,
  id: string,
  signal: AbortSignal,
): Promise<{ hostname: string; pid: number } | null> {
  const options = { timeoutMs: TIMEOUT_MS, signal, accept: [1] };
  const { code, stdout } = await restic.run(['cat', 'lock', id, '--no-lock'], options);
  return code === 0 ? (parseLine(lockMessage, stdout.replaceAll('\n', ' ').trim()) ?? null) : null;
}

/** Whether a process of this id lives here and is a restic; any other has the id of one that is gone. */
function isRestic(pid: number): boolean {
  try {
    const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name?.startsWith('restic') === true && state !== 'Z';
  } catch {
    return false;
  }
}
