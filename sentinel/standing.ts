/** How each source stands: a pure function of what the agent told and the time. The page and `/status.json` say the same. */
import type { MaintenanceStatus, RunStatus, SourceStatus } from './heartbeat.ts';

/**
 * The closed list of states, worst first. They are API: `/status.json` and its documentation use these words.
 *
 * - `stale`: it gates, and its last good backup is older than the gate lets pass, or lies in the future
 * - `failing`: the newest run failed or was interrupted
 * - `unverified`: the newest verification failed or was interrupted, or that of a tenant, or none has shown anything since one failed: what was stored may not come back
 * - `overdue`: the last good backup is older than the schedule lets expect, or the proof of a tenant older than it is to be
 * - `waiting`: there is no backup yet, and nothing failed
 * - `warned`: backed up, but the newest run has warnings or was skipped, or no verification was good for longer than the schedule lets expect, or ever and the newest could not be run
 * - `good`: backed up, on time
 */
const sourceStates = ['stale', 'failing', 'unverified', 'overdue', 'waiting', 'warned', 'good'] as const;
export type SourceState = (typeof sourceStates)[number];

export interface Standing {
  state: SourceState;
  /** Seconds since the data of the last good backup was read; null while there is none, negative from the future. */
  ageSeconds: number | null;
  /** The age from which it is overdue; null where no schedule says it. */
  overdueAfterSeconds: number | null;
  /** The age above which it closes the gate; null where it does not gate. */
  closesAfterSeconds: number | null;
  /** Whether the schedule leaves gaps that are wider than the gate lets pass: it closes before the next backup. */
  gateIsTighterThanSchedule: boolean;
}

/** Beyond that a time from the future proves nothing: a clock was wrong. */
const futureToleranceSeconds = 300;

export function standingOf(source: SourceStatus, thresholdSeconds: number, now: Date): Standing {
  const ageSeconds =
    source.lastSuccess === null ? null : (now.getTime() - Date.parse(source.lastSuccess)) / 1000;
  const closesAfterSeconds = source.gates ? thresholdSeconds : null;
  const overdueAfterSeconds = overdueAfter(source, closesAfterSeconds);
  const every = source.rhythm?.everySeconds ?? null;
  return {
    state: stateOf(source, { ageSeconds, overdueAfterSeconds, closesAfterSeconds }, now),
    ageSeconds,
    overdueAfterSeconds,
    closesAfterSeconds,
    gateIsTighterThanSchedule: every !== null && closesAfterSeconds !== null && every >= closesAfterSeconds,
  };
}

/** Every source with its standing, in the agent's order. */
export function standingsOf(sources: SourceStatus[], thresholdSeconds: number, now: Date): Stood[] {
  return sources.map((source) => ({ source, standing: standingOf(source, thresholdSeconds, now) }));
}

export interface Stood {
  source: SourceStatus;
  standing: Standing;
}

/** The worst first; among equals the oldest first. */
export function byUrgency(one: Standing, other: Standing): number {
  const rank = sourceStates.indexOf(one.state) - sourceStates.indexOf(other.state);
  return rank !== 0 ? rank : (other.ageSeconds ?? Infinity) - (one.ageSeconds ?? Infinity) || 0;
}

/** Whether it ended, and not well: one that is under way or was skipped has not failed. */
export function hasFailed(run: RunStatus | null): boolean {
  return run?.result === 'failed' || run?.result === 'interrupted';
}

/**
 * Since when a good verification is awaited: since the last good one, and where there was none, since the first backup. Those that prove
 * nothing renew nothing, however many there are.
 */
export function awaitsVerificationSince(verification: SourceStatus['verification']): string | null {
  return verification?.lastSuccess ?? verification?.awaitedSince ?? null;
}

/** Whether that is longer than the schedule lets expect, or none was ever good and the newest could not be run. */
function verificationIsLate(verification: SourceStatus['verification'], now: Date): boolean {
  const limit = verification?.rhythm.overdueAfterSeconds ?? null;
  if (verification === null || limit === null) return false;
  const { lastSuccess, lastRun, verdict } = verification;
  if (lastSuccess === null && (lastRun?.result === 'skipped' || verdict === 'not run')) return true;
  const from = awaitsVerificationSince(verification);
  if (from === null) return false;
  const ageSeconds = (now.getTime() - Date.parse(from)) / 1000;
  // By a clock that was ahead: nobody knows how old it is.
  return ageSeconds > limit || ageSeconds < -futureToleranceSeconds;
}

/** Whether the last good retention or check, or without one the first backup, is longer ago than the backups' schedule lets expect. */
export function maintenanceIsLate(
  { lastSuccess, awaitedSince, overdueAfterSeconds }: MaintenanceStatus,
  secondsSince: (iso: string) => number,
): boolean {
  const from = lastSuccess ?? awaitedSince;
  if (overdueAfterSeconds === null || from === null) return false;
  const ageSeconds = secondsSince(from);
  return ageSeconds > overdueAfterSeconds || ageSeconds < -futureToleranceSeconds;
}

/** Whether the newest verification of one failed, or the run did that was to verify some. */
function tenantsFailed(tenants: SourceStatus['tenants']): boolean {
  return tenants !== null && (tenants.failed.total > 0 || hasFailed(tenants.lastRun));
}

/** Whether the proof of one is older than it is to be; by the clock alone, also where no run comes any more. */
function tenantsOverdue(tenants: SourceStatus['tenants'], now: Date): boolean {
  const at = tenants?.overdueAt ?? null;
  return at !== null && Date.parse(at) <= now.getTime();
}

// The schedule's limit may lie behind the gate's (once a day is overdue after 30 hours, the gate closes after 26). Then it is
// half-way between the gap and the gate's limit, so that there is a warning before the gate closes.
function overdueAfter(source: SourceStatus, closesAfterSeconds: number | null): number | null {
  const { everySeconds, overdueAfterSeconds } = source.rhythm ?? {};
  if (everySeconds == null || overdueAfterSeconds == null) return null;
  if (closesAfterSeconds === null || overdueAfterSeconds < closesAfterSeconds) return overdueAfterSeconds;
  if (everySeconds >= closesAfterSeconds) return closesAfterSeconds;
  return Math.round((everySeconds + closesAfterSeconds) / 2);
}

function stateOf(
  { lastRun, verification, tenants }: SourceStatus,
  limits: Pick<Standing, 'ageSeconds' | 'overdueAfterSeconds' | 'closesAfterSeconds'>,
  now: Date,
): SourceState {
  const { ageSeconds, overdueAfterSeconds, closesAfterSeconds } = limits;
  if (ageSeconds === null) return hasFailed(lastRun) ? 'failing' : 'waiting';
  if (ageSeconds < -futureToleranceSeconds) return 'stale';
  if (closesAfterSeconds !== null && ageSeconds > closesAfterSeconds) return 'stale';
  if (hasFailed(lastRun)) return 'failing';
  if (verification?.verdict === 'failed' || hasFailed(verification?.lastRun ?? null)) return 'unverified';
  if (tenantsFailed(tenants)) return 'unverified';
  if (overdueAfterSeconds !== null && ageSeconds > overdueAfterSeconds) return 'overdue';
  if (tenantsOverdue(tenants, now)) return 'overdue';
  if (verificationIsLate(verification, now)) return 'warned';
  return lastRun?.warnings || lastRun?.result === 'skipped' ? 'warned' : 'good';
}
