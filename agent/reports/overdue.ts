/** How much longer than the schedule's widest gap a success may be awaited. */
const PATIENCE = 1.25;

/** The age in seconds from which a success is overdue; null where no schedule says it. */
export function overdueAfter(everySeconds: number | null): number | null {
  return everySeconds === null ? null : Math.round(everySeconds * PATIENCE);
}
