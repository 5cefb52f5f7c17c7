/** How much longer than the schedule's widest gap a success may be awaited. */
const PATIENCE = 1.25;

/** The age in seconds from which a success is overdue; null where no schedule says it. */
export function overdueAfter(everySeconds: number | null): number | null {
  return everySeconds === null ? null : Math.round(everySeconds * PATIENCE);
}

/** The same, and before `staleAfterSeconds` in any case: half-way from the gap to it where the patience would outlast it. */
export function overdueBefore(everySeconds: number | null, staleAfterSeconds: number): number | null {
  const after = overdueAfter(everySeconds);
  if (everySeconds === null || after === null || after < staleAfterSeconds) return after;
  return Math.min(staleAfterSeconds, Math.round((everySeconds + staleAfterSeconds) / 2));
}
