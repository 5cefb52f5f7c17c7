import { utc } from '../core/clock.ts';
import type { Ledger, Run } from '../ledger/ledger.ts';
import type { MaintenanceStatus, RunStatus, SourceStatus, Status } from '../../sentinel/heartbeat.ts';

export interface HeartbeatFacts {
  host: string;
  agentVersion: string;
  sources: { name: string; type: 'mysql' | 'postgres'; gates: boolean }[];
  /** When the next backup is due; null where nothing is scheduled. */
  nextBackup: Date | null;
  repository: { location: string; id: string | null };
}

export interface Heartbeat {
  /** The oldest last success among the sources that gate; null while one of them has none. */
  lastOk: Date | null;
  status: Status;
}

/** What the status folder should say: a pure function of the ledger. */
export function heartbeatOf(ledger: Pick<Ledger, 'last'>, facts: HeartbeatFacts, now: Date): Heartbeat {
  const sources = facts.sources.map((source) => sourceStatus(ledger, source, facts.nextBackup));
  const gating = sources.filter((source) => source.gates).map((source) => source.lastSuccess);
  return {
    lastOk: oldest(gating),
    status: {
      version: 1,
      writtenAt: utc(now),
      host: facts.host,
      agentVersion: facts.agentVersion,
      sources,
      maintenance: (['retention', 'check'] as const).map((job) => maintenanceStatus(ledger, job)),
      repository: facts.repository,
    },
  };
}

function sourceStatus(
  ledger: Pick<Ledger, 'last'>,
  source: HeartbeatFacts['sources'][number],
  nextBackup: Date | null,
): SourceStatus {
  const success = ledger.last('backup', source.name, 'succeeded');
  const engine = success?.facts.engine;
  return {
    name: source.name,
    engine: engine === 'mysql' || engine === 'mariadb' || engine === 'postgres' ? engine : source.type,
    gates: source.gates,
    lastSuccess: dataTime(success),
    lastRun: runStatus(ledger.last('backup', source.name)),
    nextRun: nextBackup === null ? null : utc(nextBackup),
  };
}

function maintenanceStatus(ledger: Pick<Ledger, 'last'>, job: MaintenanceStatus['job']): MaintenanceStatus {
  return {
    job,
    lastSuccess: ledger.last(job, null, 'succeeded')?.finishedAt ?? null,
    lastRun: runStatus(ledger.last(job, null)),
  };
}

/** A backup is as old as its data, and that was read when it began. */
function dataTime(run: Run | null): string | null {
  return run?.startedAt ?? null;
}

function runStatus(run: Run | null): RunStatus | null {
  if (run === null) return null;
  return {
    job: run.job,
    result: run.result,
    warnings: run.warnings.length > 0,
    reason: run.reason,
    hint: run.hint,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    bytes: run.facts.dumpBytes ?? null,
  };
}

/** Null counts as older than anything: a source that never succeeded must not hide behind one that did. */
function oldest(times: (string | null)[]): Date | null {
  const first = times.filter((time) => time !== null).toSorted()[0];
  return first === undefined || times.includes(null) ? null : new Date(first);
}
