/** What something took at a time. UTC ISO 8601, bytes. */
export interface Measured {
  at: string;
  bytes: number;
}

/**
 * In how many days the free space is used up if it goes on as it did: the straight line through the sizes, by least
 * squares, so that one backup or one prune does not decide. Null where it does not grow, and where the sizes say too
 * little: fewer than three, or less than a week from the first to the last.
 */
export function daysUntilFull(sizes: Measured[], freeBytes: number): number | null {
  const points = sizes.map(({ at, bytes }) => ({ day: Date.parse(at) / DAY_MS, bytes }));
  const days = points.map(({ day }) => day);
  if (points.length < LEAST_SIZES || Math.max(...days) - Math.min(...days) < LEAST_DAYS) return null;
  const meanDay = mean(days);
  const meanBytes = mean(points.map(({ bytes }) => bytes));
  const spread = points.reduce((sum, { day }) => sum + (day - meanDay) ** 2, 0);
  const rise = points.reduce((sum, { day, bytes }) => sum + (day - meanDay) * (bytes - meanBytes), 0);
  const bytesPerDay = rise / spread;
  return bytesPerDay <= 0 ? null : Math.min(MOST_DAYS, Math.floor(freeBytes / bytesPerDay));
}

const DAY_MS = 86_400_000;
const LEAST_SIZES = 3;
const LEAST_DAYS = 7;
/** Nobody plans for longer, and a line through a month says nothing of it. */
const MOST_DAYS = 3650;

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
