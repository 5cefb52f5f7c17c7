import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';

/** Which restic processes were started from this state folder: by that a lock in the repository is known to be ours. */
export interface Started {
  note(pid: number): void;
  /** Whether a process of this id was started here, not later than the lock says. */
  has(pid: number, lockTime: Date): boolean;
}

const MOST_BYTES = 64 * 1024;
/** A lock is written moments after the start; both times are of the same clock, the lock's in finer steps. */
const MARGIN_MS = 1_000;

/**
 * Kept in a file, for the agent that asks is rarely the one that was killed. A host name tells nothing: two servers that
 * were both left at the default have the same, and may share a repository.
 */
export function createStarted(path: string, now: () => Date): Started {
  return {
    note: (pid) => {
      if (sizeOf(path) > MOST_BYTES) writeFileSync(path, linesOf(path).slice(-500).join('\n') + '\n');
      appendFileSync(path, `${pid} ${now().toISOString()}\n`);
    },
    has: (pid, lockTime) =>
      linesOf(path).some((line) => {
        const [startedPid, time = ''] = line.split(' ');
        return Number(startedPid) === pid && Date.parse(time) <= lockTime.getTime() + MARGIN_MS;
      }),
  };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
