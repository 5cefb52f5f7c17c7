import { widestGap } from './fires.ts';

/** Tells when a job is due, on a wall clock that may be set back or jump ahead. */
export interface Due {
  /** The next fire; null when there is none any more. */
  next(): Date | null;
  /** Whether the job is to run now. However many fires lay between this look and the one before, they are one. */
  look(now: Date): boolean;
}

/**
 * `fires` gives the next instants strictly after a given one. `lastStartedAt` is when the job last began, as far as anybody
 * remembers; `elapsed` counts milliseconds and is not moved by whoever sets the clock.
 *
 * A fire that has had its run before the clock was set back has no second one, unless as much time has really passed since as
 * the schedule itself ever lets pass: a clock that was a year ahead and is put right must not mean a year without a backup.
 */
export function watchFires(
  fires: (from: Date, count: number) => Date[],
  start: { now: Date; lastStartedAt: Date | null; elapsed: () => number },
): Due {
  let next = fires(start.now, 1)[0] ?? null;
  let looked = start.now;
  let servedUntil = start.lastStartedAt;
  let servedAt = start.elapsed();

  const isRepeated = (fire: Date) =>
    servedUntil !== null &&
    fire <= servedUntil &&
    start.elapsed() - servedAt < 0.9 * widestGap(fires(fire, 8));

  return {
    next: () => next,
    look: (now) => {
      if (now < looked) next = fires(now, 1)[0] ?? null;
      looked = now;
      if (next === null || now < next) return false;
      const fire = next;
      next = fires(now, 1)[0] ?? null;
      if (isRepeated(fire)) return false;
      servedUntil = now;
      servedAt = start.elapsed();
      return true;
    },
  };
}
