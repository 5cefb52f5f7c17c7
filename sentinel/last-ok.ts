/**
 * The files of the status folder that hold one time and decide: `last_ok`, and `last_verified` where verifications
 * gate as well. Part of the contract in heartbeat.ts; apart from it because a verdict needs nothing else.
 */

/** Name of the file that decides whether the gate is open: the oldest last success among the sources that gate. */
export const lastOkName = 'last_ok';

/** Name of the file with the oldest last good verification among the sources that gate; same form as `last_ok`. */
export const lastVerifiedName = 'last_verified';

/** Bytes above which `last_ok` is not one of ours, and malformed. */
export const lastOkMaxBytes = 4096;

export type LastOk = { ok: true; time: Date } | { ok: false; problem: string };

/** The content of `last_ok` for that moment, to the second: `2026-11-20T03:00:12Z` and a newline. */
export function formatLastOk(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z\n`;
}

/**
 * Reads the content of `last_ok`; never throws.
 *
 * Takes one UTC time as `formatLastOk` writes it; a fraction of a second may be there and the newline may be
 * missing, so that `date -u +%FT%TZ` in a shell is good too. Anything else is malformed: local times, offsets,
 * epoch seconds, a second line, days that no calendar has. `problem` is a phrase for the operator.
 */
export function parseLastOk(text: string): LastOk {
  if (text.length > lastOkMaxBytes) return { ok: false, problem: `longer than ${lastOkMaxBytes} bytes` };
  if (text.trim() === '') return { ok: false, problem: 'empty' };

  const line = utcLine.exec(text);
  const time = new Date(line?.[1] ?? Number.NaN);
  if (line === null || !namesARealMoment(time, text)) {
    return { ok: false, problem: `expected one UTC time such as 2026-11-20T03:00:12Z, got ${excerpt(text)}` };
  }
  return { ok: true, time };
}

const utcLine = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\n?$/;

// Date takes February 30th for March 2nd, and 24:00 for the next day.
function namesARealMoment(time: Date, text: string): boolean {
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 19) === text.slice(0, 19);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
