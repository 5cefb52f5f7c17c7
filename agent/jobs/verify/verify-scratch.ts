import { describeError, HoldfastError } from '../../core/errors.ts';
import { counted, humanBytes } from '../../core/units.ts';
import { compare } from '../../proof/compare.ts';
import type { Proof } from '../../proof/proof.ts';
import { tellCompared, tellDifferences, tellExtent, whyUnproven } from '../../proof/tell.ts';
import type { StepFacts } from '../../ledger/ledger.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import {
  isFolder,
  type Inventory,
  type Source,
  type StoredDump,
  type TableLoad,
} from '../../sources/source.ts';
import type { JobContext, Progress } from '../job.ts';
import { askQueries, type SmokeQuery } from './queries.ts';
import { readStored } from '../reading.ts';
import { sizeRestored } from '../restore/size-restored.ts';
import { expected, type Size } from '../size-up.ts';
import type { StepEnd, Steps } from '../steps.ts';
import { ALL_SENT, tableWords } from '../table-words.ts';

export interface ScratchWork {
  repository: Repository;
  snapshot: Snapshot;
  proof: Proof | null;
  server: Source;
  /** A database that is there and empty. */
  scratch: string;
  queries: SmokeQuery[];
  /** Tables that the source has now, where that is known. */
  tables: number | null;
  /** How large it is and how long it takes, as far as earlier runs tell. */
  size: Size;
}

export interface Verified {
  restoreSeconds: number;
  /** What the scratch database took on its server; left out where that does not tell. Bytes. */
  databaseBytes?: number;
  tables: number;
  rows: number;
  /** What came back, as a sentence part. */
  summary: string;
  /** What is not as it was; empty for nothing. */
  findings: string[];
  /** Why equality is not proven although nothing differs; null where it is, or where there is no proof. */
  unproven: string | null;
  /** How many tables have rows of which only samples were compared. */
  sampled: number;
  warnings: string[];
}

/**
 * Restores a snapshot into the scratch database and looks at it step by step. What differs is a finding, and the steps after it are
 * taken all the same; throws where a step could not be taken to its end.
 */
export async function verifyScratch(work: ScratchWork, steps: Steps, context: JobContext): Promise<Verified> {
  const { server, scratch, queries, size } = work;
  const { signal } = context;
  const tell = (step: string, name: StepFacts['step']) =>
    context.onProgress({ step, dumpBytes: 0, storedBytes: 0, ...expected(size, name) });
  const restored = await restore(work, steps, context);
  tell(`analyzing ${scratch}`, 'analyze');
  await steps.take('analyze', async () => {
    await server.analyze(scratch, signal);
    return { result: 'passed', detail: 'statistics gathered' };
  });
  // With its statistics gathered, a server that estimates does so best.
  const taken = await sizeRestored(server, scratch, signal);
  tell(`comparing ${scratch} with the proof`, 'compare');
  const compared = await steps.take('compare', () => comparedWithProof(work, signal));
  const found = [...compared.findings];
  // What differs stands, whatever becomes of the steps behind it.
  const after = async (step: StepFacts['step'], work: () => Promise<StepEnd & { findings: string[] }>) => {
    try {
      found.push(...(await steps.take(step, work)).findings);
    } catch (error) {
      if (signal.aborted || found.length === 0) throw error;
      found.push(`${step} failed: ${describeError(error).message}`);
    }
  };
  // The extension that it may need is not in the source: everything is compared by now.
  tell(`examining ${scratch}`, 'examine');
  await after('examine', () => examine(server, scratch, signal));
  if (queries.length > 0) await after('queries', () => askQueries(server, scratch, queries, signal));
  return {
    restoreSeconds: restored.seconds,
    ...taken,
    ...compared.found,
    findings: found,
  };
}

/** Fetching and restoring are one stream. What the fetching took is how long the restore waited for the repository. */
async function restore(work: ScratchWork, steps: Steps, context: JobContext): Promise<{ seconds: number }> {
  const { repository, snapshot, proof, server, scratch, size } = work;
  const progress: Progress = {
    step: `loading ${snapshot.shortId} into ${scratch}`,
    dumpBytes: 0,
    storedBytes: 0,
    ...(size.dumpBytes === null ? {} : { totalBytes: size.dumpBytes }),
    ...expected(size, 'restore'),
  };
  const onTable = (table: TableLoad) => {
    progress.detail = tableWords(table, proof?.tables.length ?? size.tables);
  };
  const startedAt = performance.now();
  const fetched = (milliseconds: number) => {
    const detail = `${humanBytes(progress.dumpBytes)} fetched`;
    steps.note({ step: 'fetch', result: 'passed', seconds: inSeconds(milliseconds), detail });
  };
  const reading = { repository, snapshot, progress, atEnd: ALL_SENT };
  const dump = timed(readStored(reading, context.onProgress, context.signal), fetched);
  await steps.take('restore', async () => {
    const told = { fresh: true, ...(context.watched === true ? { onTable } : {}) };
    await server.restoreInto(scratch, dump, context.signal, told);
    return { result: 'passed', detail: `${humanBytes(progress.dumpBytes)} restored` };
  });
  return { seconds: inSeconds(performance.now() - startedAt) };
}

/** The same, telling at its end how long it was waited for. */
function timed(dump: StoredDump, onEnd: (milliseconds: number) => void): StoredDump {
  let waitedMs = 0;
  if (isFolder(dump)) {
    return {
      ...dump,
      fetch: async (into, names) => {
        const askedAt = performance.now();
        await dump.fetch(into, names);
        onEnd(performance.now() - askedAt);
      },
    };
  }
  return (async function* () {
    let askedAt = performance.now();
    for await (const chunk of dump) {
      waitedMs += performance.now() - askedAt;
      yield chunk;
      askedAt = performance.now();
    }
    onEnd(waitedMs + performance.now() - askedAt);
  })();
}

interface Compared extends StepEnd {
  findings: string[];
  found: Pick<Verified, 'tables' | 'rows' | 'summary' | 'unproven' | 'sampled' | 'warnings'>;
}

async function comparedWithProof(work: ScratchWork, signal: AbortSignal): Promise<Compared> {
  const { proof, server, scratch } = work;
  if (proof === null) return countedAlone(work, await server.inspect(scratch, signal));
  const comparison = compare(proof, await server.prove(scratch, proof, signal));
  const findings = tellDifferences(comparison);
  const { tables, rows, sampled } = comparison.extent;
  const unproven = whyUnproven(comparison, proof);
  const summary = comparison.equal ? tellExtent(comparison.extent, proof) : tellCompared(comparison, proof);
  const found = {
    ...{ tables, rows, summary, unproven },
    ...{ sampled: sampled.length, warnings: comparison.warnings },
  };
  if (findings.length > 0) return { result: 'failed', detail: findings.join('; '), findings, found };
  if (comparison.incomparable !== null)
    return { result: 'not run', detail: comparison.incomparable, findings, found };
  return { result: 'passed', detail: summary, findings, found };
}

/** Without a proof nothing can be compared. That there is nothing at all where there should be is seen all the same. */
function countedAlone({ snapshot, tables: expected }: ScratchWork, inventory: Inventory): Compared {
  const tables = inventory.tables.length;
  const rows = inventory.tables.reduce((total, table) => total + table.rows, 0);
  if (tables === 0 && expected !== null && expected > 0) {
    throw new HoldfastError(
      'restore_failed',
      `snapshot ${snapshot.shortId} came back without a single table`,
      {
        hint: 'Run `holdfast backup`, then `holdfast verify` again.',
      },
    );
  }
  return {
    result: 'not run',
    detail: 'there is no proof',
    findings: [],
    found: { tables, rows, summary: describe(inventory, rows), unproven: null, sampled: 0, warnings: [] },
  };
}

function describe(inventory: Inventory, rows: number): string {
  const parts = [counted(inventory.tables.length, 'table'), counted(rows, 'row')];
  for (const kind of ['view', 'routine', 'trigger', 'event'] as const) {
    const count = inventory[`${kind}s`];
    if (count > 0) parts.push(counted(count, kind));
  }
  return parts.join(', ');
}

const MOST_DAMAGE = 5;

async function examine(
  server: Source,
  scratch: string,
  signal: AbortSignal,
): Promise<StepEnd & { findings: string[] }> {
  const examination = await server.examine(scratch, signal);
  switch (examination.kind) {
    case 'sound':
      return { result: 'passed', detail: examination.what, findings: [] };
    case 'not run':
      return { result: 'not run', detail: examination.why, findings: [] };
    case 'damaged': {
      const findings = examination.findings.slice(0, MOST_DAMAGE);
      return { result: 'failed', detail: findings.join('; '), findings };
    }
  }
}

function inSeconds(milliseconds: number): number {
  return Math.round(milliseconds / 10) / 100;
}
