import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { type GoodReading, judge, type Limits, type Reading, type Verdict } from './freshness.ts';
import type { GraceKeeper } from './grace.ts';
import { lastOkMaxBytes, lastVerifiedName, parseLastOk } from './last-ok.ts';
import { judge as judgeOverride, type Override, overrideName, readOverride } from './override.ts';
import { readSmallFile } from './small-file.ts';

export interface Watch {
  /**
   * The verdict at this moment. The files are read at most fifty times a second, but the age is always that of the
   * moment: a verdict is never remembered. Logs one line when it flips. Never throws.
   */
  verdict(): Verdict;
  /** The override in force at this moment, or null. Read and logged as the verdict is; it does not change the verdict. */
  override(): Override | null;
}

export interface WatchOptions {
  /** `last_ok`; the other files of the status folder stand beside it. */
  heartbeatPath: string;
  limits: Limits;
  grace: GraceKeeper;
  now: () => Date;
  log: Logger;
}

/** Watches one status folder. */
export function watchHeartbeat({ heartbeatPath, limits, grace, now, log }: WatchOptions): Watch {
  const heartbeat = timeFile(heartbeatPath);
  const verified = limits.verifyThresholdSeconds ? timeFile(beside(heartbeatPath, lastVerifiedName)) : null;
  const order = overrideFile(beside(heartbeatPath, overrideName), log);
  let told: Verdict | null = null;

  return {
    verdict() {
      const at = now();
      const reading = heartbeat.read(at);
      if (reading.ok) grace.spend(at);
      const remembered = { lastGood: heartbeat.lastGood(), grace: grace.standing(at) };
      const verification = verified && {
        reading: verified.read(at),
        lastGood: verified.lastGood(),
        since: grace.firstHeartbeat(),
      };
      const verdict = judge(reading, verification ? { ...remembered, verification } : remembered, limits, at);
      if (verdict.open !== told?.open || verdict.reason !== told.reason) tell(verdict, log);
      told = verdict;
      return verdict;
    },
    override: () => order(now()),
  };
}

function beside(path: string, name: string): string {
  return join(dirname(path), name);
}

/** A file with one time in it. */
function timeFile(path: string): { read(at: Date): Reading; lastGood(): GoodReading | null } {
  let latest: { reading: Reading; readAt: Date } | null = null;
  let lastGood: GoodReading | null = null;
  return {
    read(at) {
      if (latest !== null && wasJustNow(latest.readAt, at)) return latest.reading;
      const reading = readTime(path, at);
      latest = { reading, readAt: at };
      if (reading.ok) lastGood = reading;
      return reading;
    },
    lastGood: () => lastGood,
  };
}

function readTime(path: string, at: Date): Reading {
  const file = readSmallFile(path, lastOkMaxBytes);
  if (!file.ok) return file;

  const parsed = parseLastOk(file.text);
  return parsed.ok
    ? { ok: true, time: parsed.time, readAt: at }
    : { ok: false, reason: 'malformed', detail: parsed.problem };
}

/** Asks whether an override is in force; says in the log when one begins, ends, or is there and cannot be taken. */
function overrideFile(path: string, log: Logger): (at: Date) => Override | null {
  let override: Override | null = null;
  let problem: string | null = null;
  let readAt: Date | null = null;
  return (at) => {
    const before = { gate: override?.gate, until: override?.until.getTime(), problem };
    if (readAt === null || !wasJustNow(readAt, at)) {
      ({ override, problem } = readOverride(path, at));
      readAt = at;
    } else if (override !== null) {
      ({ override, problem } = judgeOverride(override, at));
    }
    const same = override?.gate === before.gate && override?.until.getTime() === before.until;
    if (!same || problem !== before.problem) tellOverride(override, problem, log);
    return override;
  };
}

// Reading costs as much as answering does: under load it is done now and then. A clock that was set back must not make the memory last.
function wasJustNow(earlier: Date, later: Date): boolean {
  const elapsed = later.getTime() - earlier.getTime();
  return elapsed >= 0 && elapsed < 20;
}

function tell(verdict: Verdict, log: Logger): void {
  const { open, reason, detail, heartbeat, closesAt } = verdict;
  const facts = { open, reason, detail, heartbeat, closesAt };
  if (open) log.info(facts, `verdict: open (${reason})`);
  else log.warn(facts, `verdict: closed (${reason})`);
}

function tellOverride(override: Override | null, problem: string | null, log: Logger): void {
  if (override !== null) {
    const { gate, until, reason } = override;
    log.warn({ gate, until, reason }, `override: ${gate} until ${until.toISOString()}, whatever the verdict`);
  } else if (problem !== null) {
    log.error({ problem }, `override: ${overrideName} is there and does nothing: ${problem}`);
  } else {
    log.info('override: over');
  }
}
