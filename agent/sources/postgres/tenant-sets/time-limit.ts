import { humanDuration } from '../../../core/units.ts';
import { HoldfastError } from '../../../core/errors.ts';

/** Charges the time that a pass takes to the archives whose data it brings. */
export interface TimeLimit {
  /** To be asked after each chunk: what passed since the last time was waited for by this archive, by none for null. Throws `TooSlowError`. */
  charge(archive: number | null): void;
}

/** `elapsed` counts milliseconds and is not moved by whoever sets the clock. */
export function createTimeLimit(limitMs: number, elapsed = () => performance.now()): TimeLimit {
  const spent = new Map<number, number>();
  let since = elapsed();
  return {
    charge: (archive) => {
      const now = elapsed();
      const passed = now - since;
      since = now;
      if (archive === null) return;
      const soFar = (spent.get(archive) ?? 0) + passed;
      spent.set(archive, soFar);
      if (soFar > limitMs) throw new TooSlowError(archive, limitMs);
    },
  };
}

/** One archive has taken longer than any may. */
export class TooSlowError extends HoldfastError {
  readonly archive: number;

  constructor(archive: number, limitMs: number) {
    super('timeout', `its rows took longer than ${humanDuration(limitMs)}`);
    this.archive = archive;
  }
}
