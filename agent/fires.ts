/** A cron expression, taken apart: the numbers of each field in ascending order, and which days it means. */
export interface CronFields {
  seconds: number[];
  minutes: number[];
  hours: number[];
  /** Whether the expression means this day of the proleptic calendar; the date is its midnight in UTC. */
  meansDay(day: Date): boolean;
}

/**
 * The instants at which an expression fires in a time zone, strictly after `from`, ascending, without end; the sequence ends when
 * forty years hold no further one.
 *
 * What happens where clocks are changed:
 * - a time that the change leaves out (02:30 in the night to summer time) fires once, as late as the clock was put forward (03:30);
 * - a time that comes twice fires once, the first time it comes;
 * - except for expressions that mean every hour: those measure elapsed time and fire in both of the two equal hours.
 */
export function* firesAfter(fields: CronFields, timeZone: string, from: Date): Generator<Date> {
  const first = wallMidnight(from.getTime(), timeZone) - DAY;
  let last = from.getTime();
  let changing: number[] = [];
  for (let midnight = first; midnight < first + SEARCHED; midnight += DAY) {
    if (!fields.meansDay(new Date(midnight))) continue;
    const change = changeAround(midnight, timeZone);
    if (change !== null) {
      // Several days lie near a change; a time that it moves may land behind one of the next day: collected, then sorted.
      changing.push(...firesAmidChange(fields, midnight, change));
      continue;
    }
    const offset = offsetAt(midnight, timeZone);
    const collected = changing.sort((one, other) => one - other);
    changing = [];
    for (const fire of [collected, wallTimes(fields, midnight, last + offset)]) {
      for (const value of fire) {
        const instant = fire === collected ? value : value - offset;
        if (instant <= last) continue;
        last = instant;
        yield new Date(instant);
      }
    }
  }
}

/** The longest time between two neighbours, in milliseconds; without end where there are fewer than two. */
export function widestGap(fires: Date[]): number {
  if (fires.length < 2) return Infinity;
  return Math.max(...fires.slice(1).map((fire, i) => fire.getTime() - (fires[i]?.getTime() ?? 0)));
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const SEARCHED = 40 * 366 * DAY;

/** One change of a zone's offset from UTC: all in milliseconds. */
interface Change {
  /** The first instant with the new offset. */
  at: number;
  before: number;
  after: number;
}

function* wallTimes(fields: CronFields, midnight: number, after: number): Generator<number> {
  for (const hour of fields.hours) {
    if (midnight + (hour + 1) * 3600 * SECOND <= after) continue;
    for (const minute of fields.minutes) {
      for (const second of fields.seconds) {
        yield midnight + (hour * 3600 + minute * 60 + second) * SECOND;
      }
    }
  }
}

function firesAmidChange(fields: CronFields, midnight: number, change: Change): number[] {
  const elapsed = fields.hours.length === 24;
  const fires: number[] = [];
  for (const wall of wallTimes(fields, midnight, -Infinity)) {
    const early = wall - change.before;
    const late = wall - change.after;
    if (early < change.at) fires.push(early);
    if (late >= change.at && (elapsed || early >= change.at)) fires.push(late);
    // Neither: the wall clock never shows this time. Counted with the old offset it is as late as the clock was put forward.
    if (early >= change.at && late < change.at) fires.push(early);
  }
  return fires;
}

/** The change of offset that could touch this day or its neighbours, if there is one. */
function changeAround(midnight: number, timeZone: string): Change | null {
  let low = midnight - 1.5 * DAY;
  let high = midnight + 2.5 * DAY;
  const before = offsetAt(low, timeZone);
  const after = offsetAt(high, timeZone);
  if (before === after) return null;
  while (high - low > SECOND) {
    const middle = low + Math.floor((high - low) / 2 / SECOND) * SECOND;
    if (offsetAt(middle, timeZone) === before) low = middle;
    else high = middle;
  }
  return { at: high, before, after };
}

/** Midnight of the day that the zone's wall clocks show at this instant, written as if it were UTC. */
function wallMidnight(instant: number, timeZone: string): number {
  return Math.floor((instant + offsetAt(instant, timeZone)) / DAY) * DAY;
}

/** How far the zone's wall clocks are ahead of UTC at this instant. */
function offsetAt(instant: number, timeZone: string): number {
  const whole = Math.floor(instant / SECOND) * SECOND;
  const parts = Object.fromEntries(
    wallClock(timeZone)
      .formatToParts(whole)
      .map((part) => [part.type, Number(part.value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

const wallClocks = new Map<string, Intl.DateTimeFormat>();

function wallClock(timeZone: string): Intl.DateTimeFormat {
  const known = wallClocks.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  wallClocks.set(timeZone, made);
  return made;
}
