import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';

/** Which restic processes were started from this state folder: by that a lock in the repository is known to be ours. */
export interface Started {
  /**
   * The beginning of a command line that notes its own process id and becomes the program behind it; to be started by this
   * process, or it becomes nothing.
   */
  noting(): Noting;
  /**
   * Whether a process of this id was started here, not later than the lock says, and is neither known to have left none nor to have been
   * gone before: a lock bears the time at which it was made or renewed last.
   */
  has(pid: number, lockTime: Date): boolean;
  /** Those of which it is not known that they left no lock. */
  unsettled(): Noted[];
  /** To be told that none of these has a lock. */
  settle(noted: Noted[]): void;
}

export interface Noted {
  pid: number;
  /** When it was started. UTC ISO 8601. */
  time: string;
}

export interface Noting {
  command: string[];
  /** To be told that it ended under this process id and left no lock: one of that id is somebody else's then. */
  endedWell(pid: number): void;
  /** To be told that it is gone, and may have left a lock: one of that id that is younger is somebody else's. */
  isGone(pid: number): void;
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
        endedWell: (pid) => append(path, `${pid} ${time} ${ENDED}`),
        isGone: (pid) => append(path, `${pid} ${time} ${GONE} ${now().toISOString()}`),
      };
    },
    has: (pid, lockTime) => {
      const time = lockTime.getTime();
      return unsettledIn([...linesOf(older), ...linesOf(path)]).some((noted) => {
        const age = time + MARGIN_MS - Date.parse(noted.time);
        return noted.pid === pid && age >= 0 && age <= MOST_AGE_MS && time <= noted.goneAt + MARGIN_MS;
      });
    },
    unsettled: () =>
      unsettledIn([...linesOf(older), ...linesOf(path)]).map(({ pid, time }) => ({ pid, time })),
    settle: (noted) => {
      if (noted.length > 0) append(path, noted.map(({ pid, time }) => `${pid} ${time} ${ENDED}`).join('\n'));
    },
  };
}

const ENDED = 'ended';
const GONE = 'gone';

/** `goneAt`: Infinity where nobody saw its end, or where the clock was put back meanwhile. */
function unsettledIn(lines: string[]): (Noted & { goneAt: number })[] {
  const unsettled = new Map<string, Noted & { goneAt: number }>();
  for (const line of lines) {
    const [pid = '', time = '', word, at = ''] = line.split(' ');
    const key = `${pid} ${time}`;
    if (word === undefined && time !== '') unsettled.set(key, { pid: Number(pid), time, goneAt: Infinity });
    else if (word === ENDED) unsettled.delete(key);
    else if (word === GONE && at >= time) {
      const noted = unsettled.get(key);
      if (noted !== undefined) noted.goneAt = Date.parse(at);
    }
  }
  return [...unsettled.values()];
}

/** Where it cannot be written, the lock of another may count as ours for a week, as if it had been killed. */
function append(path: string, line: string): void {
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
