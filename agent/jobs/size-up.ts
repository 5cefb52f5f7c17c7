import type { Ledger, Run, StepFacts } from '../ledger/ledger.ts';
import type { Snapshot } from '../repository/repository.ts';

/** How large a restore is, as far as earlier runs tell. */
export interface Size {
  /** Plain bytes of the dump; null where the run that made it is not in the ledger. */
  dumpBytes: number | null;
  /** Tables in it; null likewise. */
  tables: number | null;
  /** Whether a proof was stored with it, as far as the ledger knows. */
  hasProof: boolean;
  /** How long a restore of it may take; null where none of the source was seen to its end yet. */
  milliseconds: number | null;
  /** Which run says so. */
  from: Run | null;
  /** How long each step of the last verification would take with this dump. Milliseconds. */
  steps: Partial<Record<StepFacts['step'], number>>;
  /** What it takes on a server; null where no run tells. */
  needs: Needs | null;
  /** Plain bytes that this restore has loaded so far. */
  loadedBytes: number;
}

export interface Needs {
  bytes: number;
  /** Which run says so, as a sentence part. */
  by: string;
  /** Whether a restore was measured; otherwise the source, which may hold much air. */
  restored: boolean;
}

/** Estimates from the ledger: the backup knows the size, the last verification or restore the rate. */
export function sizeUp(ledger: Pick<Ledger, 'recent'>, source: string, snapshot: Snapshot): Size {
  const backup = backupOf(ledger, source, snapshot.id);
  const dumpBytes = backup?.facts.dumpBytes ?? null;
  const done = (['verify', 'restore'] as const)
    .flatMap((job) => ledger.recent({ job, source, result: 'succeeded', limit: 20 }))
    // One tenant says nothing of how long a whole database takes.
    .filter(
      ({ facts, finishedAt }) =>
        facts.tables !== undefined && facts.tenant === undefined && finishedAt !== null,
    )
    .toSorted((one, other) => other.id - one.id);
  const factorOf = (run: Run) => {
    const then = run.facts.snapshotId;
    const bytes = then === undefined ? undefined : backupOf(ledger, source, then)?.facts.dumpBytes;
    return dumpBytes !== null && bytes !== undefined && bytes > 0 ? dumpBytes / bytes : 1;
  };
  const [from] = done;
  const verified = done.find(({ facts }) => facts.verification !== undefined);
  const measured = done.find(({ facts }) => facts.databaseBytes !== undefined);
  return {
    dumpBytes,
    tables: backup?.facts.tables ?? null,
    hasProof: backup?.facts.proof !== undefined && backup.facts.proof !== 'none',
    milliseconds: from === undefined ? null : tookMs(from) * factorOf(from),
    from: from ?? null,
    steps: verified === undefined ? {} : stepsOf(verified, factorOf(verified)),
    needs: measured === undefined ? needsOfSource(backup) : needsOf(measured, true, factorOf(measured)),
    loadedBytes: 0,
  };
}

/** What a step's progress tells of how long it may take; nothing where nobody knows. */
export function expected({ steps }: Size, step: StepFacts['step']): { expectedMs?: number } {
  const milliseconds = steps[step];
  return milliseconds === undefined ? {} : { expectedMs: milliseconds };
}

/** The backup that stored this snapshot; undefined where the ledger does not know it. */
export function backupOf(
  ledger: Pick<Ledger, 'recent'>,
  source: string,
  snapshotId: string,
): Run | undefined {
  const backups = ledger.recent({ job: 'backup', source, result: 'succeeded', limit: 1000 });
  return backups.find(({ facts }) => facts.snapshotId === snapshotId);
}

function stepsOf({ facts }: Run, factor: number): Size['steps'] {
  const taken = facts.verification?.steps ?? [];
  return Object.fromEntries(taken.map(({ step, seconds }) => [step, seconds * 1000 * factor]));
}

function needsOfSource(backup: Run | undefined): Needs | null {
  return backup?.facts.databaseBytes === undefined ? null : needsOf(backup, false, 1);
}

const NAMES: Partial<Record<Run['job'], string>> = { verify: 'verification' };

function needsOf({ job, startedAt, facts }: Run, restored: boolean, factor: number): Needs {
  const bytes = Math.round((facts.databaseBytes ?? 0) * factor);
  return { bytes, by: `the ${NAMES[job] ?? job} of ${startedAt}`, restored };
}

function tookMs({ startedAt, finishedAt }: Run): number {
  return Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt);
}

/** Plain bytes of the dump in a snapshot; null where the run that made it is not in the ledger. */
export function dumpBytesOf(
  ledger: Pick<Ledger, 'recent'>,
  source: string,
  snapshotId: string,
): number | null {
  return backupOf(ledger, source, snapshotId)?.facts.dumpBytes ?? null;
}
