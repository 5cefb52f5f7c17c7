import { utc } from '../core/clock.ts';
import type { Ledger, Run } from '../ledger/ledger.ts';
import type {
  MaintenanceStatus,
  RepositoryStatus,
  Rhythm,
  SourceStatus,
  Status,
} from '../../sentinel/heartbeat.ts';
import { DAYS, pastDays, startOfPast } from './days.ts';
import { lastMaintenance, watchedMaintenance, type MaintenanceSchedule } from './maintenance.ts';
import { overdueAfter } from './overdue.ts';
import { clip, runStatus } from './run-status.ts';
import { repositorySizes } from './space.ts';
import { tenantStatus } from './tenant-status.ts';
import { verifiedSource, watchedVerification, type VerifiedSource } from './verified.ts';

export interface HeartbeatFacts {
  host: string;
  agentVersion: string;
  timeZone: string;
  sources: {
    name: string;
    type: 'mysql' | 'postgres';
    gates: boolean;
    proof: string;
    objectives: { rpoSeconds: number | null; rtoSeconds: number | null };
    /** How its tenants are verified by turns; null where they are not. */
    turns: { everySeconds: number | null; next: Date | null } | null;
  }[];
  schedule: { backup: Schedule; verify: Schedule };
  /** Whether old snapshots are removed at all. */
  retention: boolean;
  /** After how many backups a check comes; 0 for never. */
  checkInterval: number;
  repository: { location: string; id: string | null } & Pick<
    RepositoryStatus,
    'freeBytes' | 'fullInDays' | 'allDataReadAt'
  >;
}

/** What a schedule lets one expect, seen from now. */
export interface Schedule {
  /** Null where nothing is scheduled any more. */
  next: Date | null;
  /** The widest gap between the next times. */
  everySeconds: number | null;
  /** Whether it means that day; the date is the day's midnight in UTC. */
  meansDay: (day: Date) => boolean;
}

export interface Heartbeat {
  /** The oldest last success among the sources that gate; null while one of them has none. */
  lastOk: Date | null;
  /** Whether the time that was told before is true no more: a source that gates has good backups, and none in this repository. */
  withdrawn: boolean;
  status: Status;
}

type Reading = Pick<
  Ledger,
  | 'earliestStartAfter'
  | 'startBefore'
  | 'firstBackup'
  | 'suspects'
  | 'last'
  | 'lastGood'
  | 'recent'
  | 'since'
  | 'countSucceededSince'
>;

/** By less, clocks are put right every day; as much as the gate bears of a time to come. */
const PUT_BACK_MS = 300_000;
const RUNS = 20;
const SIZES = 30;
/** What the status folder should say: a pure function of the ledger. Its size is bounded by the number of sources. */
export function heartbeatOf(ledger: Reading, facts: HeartbeatFacts, now: Date): Heartbeat {
  const sources = facts.sources.map((source) => sourceOf(ledger, source, facts, now));
  const gating = sources.flatMap(({ status }) => (status.gates ? [status] : []));
  const upkeep = {
    ...facts,
    inRepository: facts.repository.id,
    backupSeconds: facts.schedule.backup.everySeconds,
  };
  const addedBytes = sources.reduce((total, source) => total + source.addedBytes, 0);
  return {
    lastOk: oldest(gating.map(({ lastSuccess }) => lastSuccess)),
    withdrawn: gating.some(
      ({ name, lastSuccess }) => lastSuccess === null && ledger.lastGood(name, null) !== null,
    ),
    status: {
      version: 1,
      writtenAt: utc(now),
      host: facts.host,
      agentVersion: facts.agentVersion,
      timeZone: facts.timeZone,
      sources: sources.map(({ status }) => status),
      maintenance: [
        // Switched off after a failure, it would be told as failed for ever.
        { ...maintenanceStatus(ledger, 'retention', upkeep), ...(facts.retention ? {} : { lastRun: null }) },
        maintenanceStatus(ledger, 'check', upkeep),
      ],
      repository: { ...facts.repository, ...repositoryHistory(ledger, facts.repository.id), addedBytes },
      runs: ledger.recent({ limit: RUNS }).map(runStatus),
    },
  };
}

function sourceOf(
  ledger: Reading,
  source: HeartbeatFacts['sources'][number],
  { schedule, timeZone, repository }: HeartbeatFacts,
  now: Date,
): { status: SourceStatus; addedBytes: number } {
  const success = ledger.lastGood(source.name, repository.id);
  const engine = success?.facts.engine;
  const runs = ledger.since('backup', source.name, utc(startOfPast(now)));
  const succeeded = runs.filter((run) => run.result === 'succeeded');
  const status: SourceStatus = {
    name: source.name,
    engine: engine === 'mysql' || engine === 'mariadb' || engine === 'postgres' ? engine : source.type,
    gates: source.gates,
    lastSuccess: dataTime(ledger, success, now),
    lastRun: lastRun(ledger, 'backup', source.name),
    nextRun: schedule.backup.next === null ? null : utc(schedule.backup.next),
    rhythm: rhythmOf(schedule.backup),
    verification: {
      ...watchedVerification(ledger, source, repository.id),
      lastRun: lastRun(ledger, 'verify', source.name),
      rhythm: rhythmOf(schedule.verify),
      ...clippedWhy(verifiedSource(ledger, source.name, repository.id)),
    },
    tenants: tenantStatus(ledger, source, { now, inRepository: repository.id }),
    objectives: source.objectives,
    sizes: sizesOf(ledger, source.name),
    days: pastDays({
      runs,
      isOlder: ledger.countSucceededSince('backup', source.name, 0) > succeeded.length,
      isDueOn: schedule.backup.meansDay,
      timeZone,
      now,
    }),
  };
  const from = utc(new Date(now.getTime() - DAYS * 86_400_000));
  const recent = succeeded.filter((run) => run.startedAt >= from);
  return { status, addedBytes: recent.reduce((total, run) => total + (run.facts.addedBytes ?? 0), 0) };
}

function clippedWhy({ why, ...verified }: VerifiedSource): VerifiedSource {
  return { ...verified, why: why === null ? null : clip(why) };
}

function rhythmOf({ next, everySeconds }: Schedule): Rhythm {
  return {
    next: next === null ? null : utc(next),
    everySeconds,
    overdueAfterSeconds: overdueAfter(everySeconds),
  };
}

function sizesOf(ledger: Reading, source: string): number[] {
  const newest = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: SIZES });
  return newest.flatMap((run) => run.facts.dumpBytes ?? []).reverse();
}

function repositoryHistory(
  ledger: Reading,
  id: string | null,
): Pick<RepositoryStatus, 'sizes' | 'snapshots'> {
  const newest = ledger
    .recent({ job: 'check', result: 'succeeded', limit: SIZES })
    .find(({ facts }) => facts.repositoryId === id && facts.repositoryBytes !== undefined);
  return { snapshots: newest?.facts.snapshotsKept ?? null, sizes: repositorySizes(ledger, id) };
}

function maintenanceStatus(
  ledger: Reading,
  job: MaintenanceStatus['job'],
  schedule: MaintenanceSchedule,
): MaintenanceStatus {
  const run = lastMaintenance(ledger, job);
  return {
    job,
    ...watchedMaintenance(ledger, job, schedule),
    lastRun: run === null ? null : runStatus(run),
  };
}

function lastRun(ledger: Reading, job: Run['job'], source: string) {
  const run = ledger.last(job, source);
  return run === null ? null : runStatus(run);
}

/**
 * A backup is as old as its data, and that was read when it began. Where the clock was ahead then, as a later run shows that began earlier, its time
 * must not make it fresh once it has come: then it counts as old as the last run before it whose clock was right, and as none where there is no such run.
 */
function dataTime(ledger: Reading, run: Run | null, now: Date): string | null {
  if (run === null) return null;
  const startedAt = Date.parse(run.startedAt);
  const next = ledger.earliestStartAfter(run.id);
  const wasAhead = next !== null && startedAt - Date.parse(next) > PUT_BACK_MS;
  if (!wasAhead || startedAt > now.getTime()) return run.startedAt;
  return ledger.startBefore(run.id, next);
}

/** Null counts as older than anything: a source that never succeeded must not hide behind one that did. */
function oldest(times: (string | null)[]): Date | null {
  const first = times.filter((time) => time !== null).toSorted()[0];
  return first === undefined || times.includes(null) ? null : new Date(first);
}
