/** What the sentinel makes of the heartbeat: a pure function of what was read, what is remembered and the time. */
import type { FileProblem } from './small-file.ts';

/** The closed list of reasons. They are API: header, JSON, metric and documentation use these words. */
export const reasons = [
  'fresh',
  'first_boot_grace',
  'stale',
  'missing',
  'unreadable',
  'malformed',
  'future_timestamp',
  'not_regular_file',
  'verification_stale',
  'verification_missing',
] as const;

type Reason = (typeof reasons)[number];

/** Beyond that a heartbeat from the future is refused: one bad clock would hold the gate open for ever. */
const futureToleranceSeconds = 300;

/** How long the last good heartbeat is believed while the file cannot be read: a network folder may blink. */
const blinkSeconds = 30;

/** The heartbeat file as it was read. */
export type Reading =
  { ok: true; time: Date; readAt: Date } | { ok: false; reason: FileProblem; detail: string };

/** Whether there is a first-boot grace to live on, and if not, why. */
export type Grace = { since: Date } | { refused: string };

/** A reading that gave a time, from this process's life. */
export interface GoodReading {
  time: Date;
  readAt: Date;
}

export interface Remembered {
  lastGood: GoodReading | null;
  grace: Grace;
  /** Left out where verifications do not gate. */
  verification?: Verification;
}

/** `last_verified` as it was read, and what is remembered for when it cannot be. */
export interface Verification {
  reading: Reading;
  lastGood: GoodReading | null;
  /** When a heartbeat was first seen ever: what was never verified is as old as that. Null when nobody knows. */
  since: Date | null;
}

export interface Limits {
  /** A heartbeat of exactly this age is still fresh. */
  thresholdSeconds: number;
  /** Counted from the first boot ever. */
  graceSeconds: number;
  /** A verification of exactly this age still counts; 0 or left out when verifications do not gate. */
  verifyThresholdSeconds?: number;
}

export interface Verdict {
  open: boolean;
  reason: Reason;
  /** What there is to add for the operator; often empty. */
  detail: string;
  /** The time that the heartbeat tells, where it told one. */
  heartbeat: Date | null;
  /** The time of the verification, where verifications gate and it told one. */
  verifiedAt?: Date;
  /** Negative for a heartbeat from the future. */
  ageSeconds: number | null;
  /** When an open gate closes if nothing happens; null when it is closed. */
  closesAt: Date | null;
  judgedAt: Date;
}

/** The verdict at that moment. Never throws. */
export function judge(reading: Reading, remembered: Remembered, limits: Limits, now: Date): Verdict {
  const verdict = judgeHeartbeat(reading, remembered, limits, now);
  const { verification } = remembered;
  // Before the first backup there is nothing to verify, and a closed gate needs no second reason.
  if (verdict.reason !== 'fresh' || !verification || !limits.verifyThresholdSeconds) return verdict;
  return judgeVerification(verdict, verification, limits.verifyThresholdSeconds, now);
}

function judgeHeartbeat(reading: Reading, remembered: Remembered, limits: Limits, now: Date): Verdict {
  if (reading.ok) return judgeTime(reading.time, limits, now);

  if (isBlink(reading.reason, remembered.lastGood, now)) {
    return duringBlink(remembered.lastGood, reading.detail, limits, now);
  }
  if (reading.reason === 'missing') return judgeMissing(remembered.grace, limits, now);
  return closed(reading.reason, reading.detail, now);
}

function judgeTime(heartbeat: Date, limits: Limits, now: Date): Verdict {
  const ageSeconds = secondsBetween(heartbeat, now);
  const told = { heartbeat, ageSeconds };
  if (ageSeconds < -futureToleranceSeconds) return { ...closed('future_timestamp', '', now), ...told };
  if (ageSeconds > limits.thresholdSeconds) return { ...closed('stale', '', now), ...told };
  return { ...open('fresh', after(heartbeat, limits.thresholdSeconds), now), ...told };
}

function isBlink(reason: FileProblem, last: GoodReading | null, now: Date): last is GoodReading {
  if (reason !== 'unreadable' || last === null) return false;
  const silence = secondsBetween(last.readAt, now);
  return silence >= 0 && silence <= blinkSeconds;
}

function duringBlink(last: GoodReading, detail: string, limits: Limits, now: Date): Verdict {
  const verdict = judgeTime(last.time, limits, now);
  const closesAt = verdict.closesAt && earlier(verdict.closesAt, after(last.readAt, blinkSeconds));
  return { ...verdict, closesAt, detail: `cannot be read at the moment (${detail})` };
}

// The grace is for the time before the first backup alone: a heartbeat that is there and wrong is not waiting.
function judgeMissing(grace: Grace, limits: Limits, now: Date): Verdict {
  if ('refused' in grace) return closed('missing', grace.refused, now);

  const age = secondsBetween(grace.since, now);
  if (age < -futureToleranceSeconds) return closed('missing', 'the first boot lies in the future', now);
  if (age > limits.graceSeconds) return closed('missing', 'the first-boot grace is over', now);
  return open('first_boot_grace', after(grace.since, limits.graceSeconds), now);
}

// The heartbeat is fresh: the gate is as open as the verification lets it be.
function judgeVerification(
  fresh: Verdict,
  { reading, lastGood, since }: Verification,
  thresholdSeconds: number,
  now: Date,
): Verdict {
  const told = reading.ok ? reading : isBlink(reading.reason, lastGood, now) ? lastGood : null;
  const known = told === null ? fresh : { ...fresh, verifiedAt: told.time };
  const close = (reason: Reason, detail: string): Verdict => ({
    ...known,
    open: false,
    closesAt: null,
    reason,
    detail,
  });

  // One that was there and is gone, or says nothing that can be understood, is not one that was never made.
  const neverMade = told === null && !reading.ok && reading.reason === 'missing' && lastGood === null;
  const from = told?.time ?? (neverMade ? since : null);
  if (from === null) return close('verification_missing', reading.ok ? '' : reading.detail);

  const age = secondsBetween(from, now);
  if (age < -futureToleranceSeconds) return close('verification_missing', 'it lies in the future');
  if (age > thresholdSeconds) {
    return neverMade
      ? close('verification_missing', 'nothing was ever verified')
      : close('verification_stale', '');
  }
  return { ...known, closesAt: earlier(fresh.closesAt ?? now, after(from, thresholdSeconds)) };
}

function open(reason: Reason, closesAt: Date, now: Date): Verdict {
  return { open: true, reason, detail: '', heartbeat: null, ageSeconds: null, closesAt, judgedAt: now };
}

function closed(reason: Reason, detail: string, now: Date): Verdict {
  return { open: false, reason, detail, heartbeat: null, ageSeconds: null, closesAt: null, judgedAt: now };
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}

function after(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}
