import type { PostgresSourceConfig } from '../../../config/config.ts';
import { systemClock, utc } from '../../../core/clock.ts';
import { counted } from '../../../core/units.ts';
import type { ProofOutcome, TableProof } from '../../../proof/proof.ts';
import { errorFields } from '../../error-fields.ts';
import type { Dump } from '../../source.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { joinCounters, readCounters } from './counters.ts';
import { LARGE_OBJECTS, largeObjectBytes, readLargeObjects } from './large-objects.ts';
import { oidsOf, type LeftOut } from './left-out.ts';
import { readObjects } from './objects.ts';
import { sessionFailure } from './session-failure.ts';
import { beginSnapshot, beginSteps, exportSnapshot, isLost } from './snapshot.ts';
import { createTableReader } from './table-reader.ts';
import { listTables, methodOf, type Extent } from './tables.ts';

/** The proof of one dump, taken by a session that shares its snapshot with pg_dump. */
export interface ProofBesideDump {
  /** Opens the snapshot and begins to read; the name that pg_dump takes it over by, or null when there is none. Never rejects. */
  begin(leftOut: LeftOut): Promise<string | null>;
  /** pg_dump could not take the snapshot over and reads one of its own. */
  notShared(): void;
  /** The dump with its proof, which ends with it when it fails. */
  accompany(dump: Dump): Dump;
}

/** Longer than a backup may take, which is for the job to say. */
const TIMEOUT_MS = 24 * 3600_000;

interface Course {
  config: PostgresSourceConfig;
  leftOut: LeftOut;
  /** Settles when pg_dump has ended well. */
  dumpEnded: Promise<null>;
  isShared(): boolean;
  onSnapshot(name: string): void;
}

export function createProofBesideDump(
  config: PostgresSourceConfig,
  caFile: string,
  signal: AbortSignal,
): ProofBesideDump {
  const end = new AbortController();
  const dumpEnded = Promise.withResolvers<null>();
  const outcome = Promise.withResolvers<ProofOutcome>();
  let shared = true;
  const take = async (leftOut: LeftOut, onSnapshot: (name: string | null) => void): Promise<ProofOutcome> => {
    const options = { signal: AbortSignal.any([signal, end.signal]), caFile, timeoutMs: TIMEOUT_MS };
    const course = { config, leftOut, dumpEnded: dumpEnded.promise, isShared: () => shared, onSnapshot };
    try {
      return await withPostgresSession(config, options, (session) => read(session, course));
    } catch (error) {
      return { proof: null, why: end.signal.aborted ? DUMP_FAILED : sessionFailure(error) };
    } finally {
      onSnapshot(null);
    }
  };
  return {
    begin: (leftOut) => new Promise((resolve) => outcome.resolve(take(leftOut, resolve))),
    notShared: () => void (shared = false),
    accompany: (dump) => {
      dump.done.then(
        () => dumpEnded.resolve(null),
        () => {
          end.abort();
          outcome.resolve({ proof: null, why: DUMP_FAILED });
        },
      );
      return { ...dump, proof: outcome.promise };
    },
  };
}

const DUMP_FAILED = 'the dump failed';

async function read(session: PostgresSession, course: Course): Promise<ProofOutcome> {
  const { config, leftOut } = course;
  await beginSnapshot(session);
  const takenAt = utc(systemClock.now());
  const snapshot = await exportSnapshot(session);
  await beginSteps(session);
  const relations = await oidsOf(session, leftOut.relations);
  const before = await readCounters(session, relations);
  course.onSnapshot(snapshot);

  const troubles: string[] = [];
  const objects = await orTrouble(troubles, 'its objects', () => readObjects(session, relations));
  const withoutRows = await oidsOf(session, leftOut.rows);
  const tables = await readTables(session, course, [...relations, ...withoutRows], troubles);
  const method = await methodOf(session);
  await course.dumpEnded;
  const after = await orTrouble(troubles, 'its sequences', () => readCounters(session, relations));
  if (!course.isShared()) troubles.unshift('pg_dump could not take over the snapshot of the proof');
  return {
    proof: {
      version: 1,
      engine: 'postgres',
      serverVersion: session.version,
      database: config.database,
      takenAt,
      level: config.proof === 'counts' ? 'counts' : 'checksums',
      method,
      unproven: summary(troubles),
      tables,
      counters: joinCounters(before, after ?? []),
      objects: objects ?? [],
    },
    why: null,
  };
}

async function readTables(
  session: PostgresSession,
  { config, leftOut }: Course,
  without: string[],
  troubles: string[],
): Promise<TableProof[]> {
  const extent = extentOf(config);
  const read: TableProof[] = [];
  const tables = await listTables(session, without);
  const readTable = createTableReader(
    session,
    tables.map((table) => ({ table, extent })),
  );
  for (const table of tables) {
    const proof = await orTrouble(troubles, table.name, () => readTable(table));
    if (proof !== null) read.push(proof);
  }
  const bytes = leftOut.largeObjects ? 0 : await largeObjectBytes(session);
  if (bytes === 0) return read;
  const withBytes = config.proof === 'checksums' && bytes <= (config.proofLimitBytes ?? Infinity);
  const proof = await orTrouble(troubles, LARGE_OBJECTS, () => readLargeObjects(session, withBytes));
  return proof === null ? read : [...read, proof];
}

export function extentOf(config: PostgresSourceConfig): Extent {
  if (config.proof === 'counts') return 'none';
  return config.proofLimitBytes === null ? 'all' : { budget: config.proofLimitBytes };
}

/** What cannot be read of a database in use (a table that was dropped or is locked) takes the proof its word, not the rest. */
export async function orTrouble<T>(
  troubles: string[],
  what: string,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isLost(error)) throw error;
    troubles.push(`${what} could not be read: ${errorFields(error).message}`);
    return null;
  }
}

export function summary(troubles: string[]): string | null {
  const [first, ...others] = troubles;
  if (first === undefined) return null;
  return others.length === 0 ? first : `${first}, and ${counted(others.length, 'more such trouble')}`;
}
