import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { statusSchema, type RunStatus } from '../../sentinel/heartbeat.ts';
import type { TestAgent } from '../helpers/agent.ts';

/** What an agent has left for everybody to see, read without starting it: a look must put nothing in order. */
export interface Standing {
  lastOk: string | null;
  lastVerified: string | null;
  snapshots: string[];
  shown: Shown;
  /** Runs by the ledger, oldest first. */
  runs: LedgerRun[];
}

/** What `status.json` says that is green, and the newest runs, newest first. */
interface Shown {
  lastSuccess: string | null;
  lastVerified: string | null;
  lastProved: string | null;
  verdict: string | null;
  /** When retention and check ended well. */
  upkeep: (string | null)[];
  runs: RunStatus[];
}

export interface LedgerRun {
  id: number;
  job: string;
  startedAt: string;
  result: string;
  reason: string;
  snapshotIds: string[];
}

export function standingOf(agent: TestAgent, source: string): Standing {
  return {
    lastOk: agent.lastOk(),
    lastVerified: textIn(agent, 'last_verified'),
    snapshots: agent.snapshots(),
    shown: shownOf(agent, source),
    runs: runsOf(agent, source),
  };
}

/** Of one source, and of the whole repository. */
function shownOf(agent: TestAgent, source: string): Shown {
  const status = statusSchema.parse(JSON.parse(textIn(agent, 'status.json') ?? ''));
  const of = status.sources.find(({ name }) => name === source);
  if (of === undefined) throw new Error(`status.json says nothing of ${source}`);
  return {
    lastSuccess: of.lastSuccess,
    lastVerified: of.verification?.lastSuccess ?? null,
    lastProved: of.verification?.lastProved ?? null,
    verdict: of.verification?.verdict ?? null,
    upkeep: status.maintenance.map(({ lastSuccess }) => lastSuccess),
    runs: status.runs,
  };
}

/** Runs of a source by the ledger, oldest first. */
export function runsOf({ folder }: TestAgent, source: string): LedgerRun[] {
  // Only read: what a killed agent left half written is for the next one to find.
  const db = new DatabaseSync(join(folder, 'state', 'ledger.db'), { readOnly: true, timeout: 10_000 });
  try {
    const rows = db
      .prepare(
        'SELECT id, job, started_at, result, reason, facts FROM runs WHERE source = ? OR source IS NULL ORDER BY id',
      )
      .all(source);
    return rows.map((row) => ({
      id: Number(row['id']),
      job: String(row['job']),
      startedAt: String(row['started_at']),
      result: String(row['result']),
      reason: String(row['reason']),
      snapshotIds: (JSON.parse(String(row['facts'])) as { snapshotIds?: string[] }).snapshotIds ?? [],
    }));
  } finally {
    db.close();
  }
}

function textIn({ environment }: TestAgent, name: string): string | null {
  const path = join(environment['HOLDFAST_STATUS_DIR']!, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
