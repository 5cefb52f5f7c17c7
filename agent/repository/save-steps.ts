import { HoldfastError } from '../core/errors.ts';

/** The time that a snapshot of a save would have: `since`, or up to so much later. */
export interface Times {
  since: Date;
  withinMs: number;
}

/** From the moment before restic is started until it takes its time; it may wait for the lock file for half of that. */
const RESTIC_STARTS_WITHIN_MS = 60_000;

/** What restic is told of a snapshot's time, and by which its snapshot would be known. */
export function timesOf(wanted: Date | 'start' | undefined, now: Date): { time?: Date; times: Times } {
  const time = wanted === 'start' ? now : wanted;
  if (time === undefined) return { times: { since: now, withinMs: RESTIC_STARTS_WITHIN_MS } };
  return { time, times: { since: toSecond(time), withinMs: 999 } };
}

/** restic reads `--time` in the zone of its process. */
export const UTC = { TZ: 'UTC' };

export function timeArguments(time: Date | undefined): string[] {
  return time === undefined ? [] : ['--time', time.toISOString().slice(0, 19).replace('T', ' ')];
}

function toSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

/** The first cause stays the message; what went wrong while cleaning up is told beside it. */
export function withFailures(cause: unknown, failures: unknown[]): HoldfastError {
  const also = failures
    .map((failure) => (failure instanceof Error ? failure.message : String(failure)))
    .join('; ');
  if (cause instanceof HoldfastError) {
    return new HoldfastError(cause.kind, `${cause.message} (and while cleaning up: ${also})`, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
  return new HoldfastError(
    'failed',
    `${cause instanceof Error ? cause.message : String(cause)} (and while cleaning up: ${also})`,
    { cause },
  );
}
