import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';

/** Which restic processes were started from this state folder: by that a lock in the repository is known to be ours. */
export interface Started {
  /**
   * The beginning of a command line that notes its own process id and becomes the program behind it; to be started by this
   * process, or it becomes nothing.
   */
  noting(): Noting;
  /** Whether a process of this id was started here, not later than the lock says, and is not known to have ended well. */
  has(pid: number, lockTime: Date): boolean;
}

export interface Noting {
  command: string[];
  /** To be told that it ended under this process id and left no lock: one of that id is somebody else's then. */
  endedWell(pid: number): void;
}

const MOST_BYTES = 64 * 1024;
/** A lock is written moments after the start; both times are of the same clock, the lock's in finer steps. */
const MARGIN_MS = 1_000;
/** No run lasts longer, and small process ids come again and again in a container. */
const MOST_AGE_MS = 7 * 86_400_000;

/**
 * The child notes itself: an agent that noted the id of what it has started could be killed in between, and the lock would be
 * nobody's. Where it is not the agent's child any more, the agent died before it could be told to die with it, and
 * nothing may run. A note that cannot be written (the disk is full) keeps nothing from running. What the script is given are
 * its arguments, and no part of its text.
 */
const NOTE = '[ "$PPID" = "$3" ] || exit 1; { echo "$$ $2" >>"$1"; } 2>/dev/null; shift 3; exec "$@"';

/**
 * Kept in a file, for the agent that asks is rarely the one that was killed. A host name tells nothing: two servers that
 * were both left at the default have the same, and may share a repository.
 */
export function createStarted(path: string, now: () => Date): Started {
  const older = `${path}.older`;
  return {
    noting: () => {
      // Set aside whole: what another process is about to add to it is not lost.
      if (sizeOf(path) > MOST_BYTES) renameSync(path, older);
      const time = now().toISOString();
      return {
        command: ['sh', '-c', NOTE, 'sh', path, time, String(process.pid)],
        endedWell: (pid) => note(path, `${pid} ${time} ${ENDED}`),
      };
    },
    has: (pid, lockTime) => {
      const times = new Set<string>();
      for (const line of [...linesOf(older), ...linesOf(path)]) {
        const [startedPid, time = '', ended] = line.split(' ');
        if (Number(startedPid) !== pid) continue;
        if (ended === undefined) times.add(time);
        else times.delete(time);
      }
      const latest = lockTime.getTime() + MARGIN_MS;
      return [...times].some((time) => {
        const age = latest - Date.parse(time);
        return age >= 0 && age <= MOST_AGE_MS;
      });
    },
  };
}

const ENDED = 'ended';

/** Where it cannot be written, the lock of another may count as ours for a week, as if it had been killed. */
function note(path: string, line: string): void {
  try {
    appendFileSync(path, `${line}\n`);
  } catch {
    // The disk is full: whoever needs it says so.
  }
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
