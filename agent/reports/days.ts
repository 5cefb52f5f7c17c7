import type { Run } from '../ledger/ledger.ts';
import type { DayState } from '../../sentinel/heartbeat.ts';

/** How many days back the status folder tells of. */
export const DAYS = 30;

export interface Past {
  /** The backups of one source that began within those days; in any order. */
  runs: Run[];
  /** Whether it was backed up before these days already: otherwise nothing is missed before its first run. */
  isOlder: boolean;
  /** Whether a backup was due on a day; the date is the day's midnight in UTC. */
  isDueOn: (day: Date) => boolean;
  timeZone: string;
  now: Date;
}

/** What became of each of the last days of a time zone's calendar, oldest first; the last one is today. */
export function pastDays({ runs, isOlder, isDueOn, timeZone, now }: Past): DayState[] {
  const dayOf = calendarOf(timeZone);
  const byDay = Map.groupBy(runs, (run) => dayOf(new Date(run.startedAt)));
  const today = dayOf(now);
  const first = isOlder ? '' : ([...byDay.keys()].sort()[0] ?? '9999');
  return lastDays(today).map((day) => {
    const ended = (byDay.get(day) ?? []).filter((run) => run.result !== 'running');
    if (ended.length > 0) return stateOf(ended);
    // Today's backup may still come.
    const wasMissed = day >= first && day < today && !byDay.has(day) && isDueOn(new Date(day));
    return wasMissed ? 'missed' : 'idle';
  });
}

/** The instant from which runs are needed to tell of these days, in any time zone. */
export function startOfPast(now: Date): Date {
  return new Date(now.getTime() - (DAYS + 1) * DAY_MS);
}

const DAY_MS = 86_400_000;

function stateOf(runs: Run[]): DayState {
  const good = runs.filter((run) => run.result === 'succeeded');
  if (good.length === 0) return 'failed';
  return good.length === runs.length && good.every((run) => run.warnings.length === 0) ? 'good' : 'problems';
}

/** Turns an instant into its day in the zone, as `2026-11-20`. */
function calendarOf(timeZone: string): (instant: Date) => string {
  // Sweden writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  return (instant) => format.format(instant);
}

function lastDays(today: string): string[] {
  const last = Date.parse(today);
  return Array.from({ length: DAYS }, (_, i) =>
    new Date(last - (DAYS - 1 - i) * DAY_MS).toISOString().slice(0, 10),
  );
}
