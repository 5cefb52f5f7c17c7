import type { Logger } from 'pino';
import { judge, type Limits, type Reading, type Verdict } from './freshness.ts';
import type { GraceKeeper } from './grace.ts';
import { lastOkMaxBytes, parseLastOk } from './heartbeat.ts';
import { readSmallFile } from './smallFile.ts';

export interface Watch {
  /**
   * The verdict at this moment. The file is read at most once a second, but the age is always that of the
   * moment: a verdict is never remembered. Logs one line when it flips. Never throws.
   */
  verdict(): Verdict;
}

export interface WatchOptions {
  heartbeatPath: string;
  limits: Limits;
  grace: GraceKeeper;
  now: () => Date;
  log: Logger;
}

/** Watches one heartbeat file. */
export function watchHeartbeat({ heartbeatPath, limits, grace, now, log }: WatchOptions): Watch {
  let latest: { reading: Reading; readAt: Date } | null = null;
  let lastGood: { time: Date; readAt: Date } | null = null;
  let told: Verdict | null = null;

  function read(at: Date): Reading {
    if (latest !== null && isWithinASecond(latest.readAt, at)) return latest.reading;
    const reading = readHeartbeat(heartbeatPath, at);
    latest = { reading, readAt: at };
    if (reading.ok) {
      lastGood = reading;
      grace.spend(at);
    }
    return reading;
  }

  return {
    verdict() {
      const at = now();
      const verdict = judge(read(at), { lastGood, grace: grace.standing(at) }, limits, at);
      if (verdict.open !== told?.open || verdict.reason !== told.reason) tell(verdict, log);
      told = verdict;
      return verdict;
    },
  };
}

function readHeartbeat(path: string, at: Date): Reading {
  const file = readSmallFile(path, lastOkMaxBytes);
  if (!file.ok) return file;

  const parsed = parseLastOk(file.text);
  return parsed.ok
    ? { ok: true, time: parsed.time, readAt: at }
    : { ok: false, reason: 'malformed', detail: parsed.problem };
}

// A clock that was set back must not make the memory last.
function isWithinASecond(earlier: Date, later: Date): boolean {
  const elapsed = later.getTime() - earlier.getTime();
  return elapsed >= 0 && elapsed < 1000;
}

function tell(verdict: Verdict, log: Logger): void {
  const { open, reason, detail, heartbeat, closesAt } = verdict;
  const facts = { open, reason, detail, heartbeat, closesAt };
  if (open) log.info(facts, `verdict: open (${reason})`);
  else log.warn(facts, `verdict: closed (${reason})`);
}
