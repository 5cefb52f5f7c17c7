import type { MysqlSourceConfig } from '../../../config/config.ts';
import { systemClock, utc } from '../../../core/clock.ts';
import type { Proof, ProofOutcome } from '../../../proof/proof.ts';
import type { Child } from '../../../process/run.ts';
import { errorFields } from '../../error-fields.ts';
import { isConnectionLost } from '../errors.ts';
import { withMysqlSession, type MysqlSession } from '../session.ts';
import { sorted } from './counters.ts';
import { chooseMethod } from './hash-method.ts';
import type { Method } from './row-hash.ts';
import { readObjects } from './objects.ts';
import { openAtOnePoint } from './point.ts';
import { prepareSession } from './session.ts';
import { coverageOf, proveTable } from './table-proof.ts';
import { readDumpedTables } from './tables.ts';
import type { LeftOut } from './left-out.ts';

/** Takes the proof of one dump while it runs. Whatever becomes of the proof, the dump is not touched by it. */
export interface ProofTaker {
  /** Starts the dump client: at the proof's own snapshot where there is one, just so otherwise. */
  startClient(start: () => Promise<Child>): Promise<Child>;
  /** The dump is known good; `counters` are those that it carries. */
  dumpEnded(counters: ReadonlyMap<string, string>): void;
  dumpFailed(): void;
  /** Never rejects. */
  outcome: Promise<ProofOutcome>;
}

export interface TakerOptions {
  leftOut: LeftOut;
  caFile: string;
  signal: AbortSignal;
}

/** Longer than any run is given. */
const TIMEOUT_MS = 24 * 60 * 60_000;

/** Connects and reads the definitions at once, so that no change after the client's start is missed; reads rows when it has been started. */
export function takeProof(config: MysqlSourceConfig, options: TakerOptions): ProofTaker {
  const client = Promise.withResolvers<() => Promise<Child>>();
  const started = Promise.withResolvers<Child | null>();
  const ended = Promise.withResolvers<ReadonlyMap<string, string>>();
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);

  const work = async (session: MysqlSession) => {
    await prepareSession(session);
    const method = await chooseMethod(session);
    const objects = await readObjects(session, config.database, options.leftOut);
    const startClient = await client.promise;
    const point = await openAtOnePoint(session, { config, caFile: options.caFile, signal, startClient });
    const takenAt = utc(systemClock.now());
    started.resolve(point.client);
    const before = { method, objects, takenAt, unproven: point.unproven };
    return readProof(session, config, { ...options, ...before, dump: ended.promise });
  };
  const limits = { signal, caFile: options.caFile, timeoutMs: TIMEOUT_MS };
  const outcome = withMysqlSession(config, limits, work).then(
    (proof): ProofOutcome => ({ proof, why: null }),
    (error: unknown): ProofOutcome => ({
      proof: null,
      why: failed.signal.aborted ? 'the dump failed' : reasonOf(error),
    }),
  );
  void outcome.then(() => started.resolve(null));
  return {
    startClient: async (start) => {
      client.resolve(start);
      return (await started.promise) ?? start();
    },
    dumpEnded: (counters) => ended.resolve(counters),
    dumpFailed: () => failed.abort(),
    outcome,
  };
}

async function readProof(
  session: MysqlSession,
  config: MysqlSourceConfig,
  options: TakerOptions &
    Pick<Proof, 'objects' | 'takenAt' | 'unproven'> & {
      method: Method;
      dump: Promise<ReadonlyMap<string, string>>;
    },
): Promise<Proof> {
  const { database } = config;
  const { method, objects } = options;
  const level = config.proof === 'counts' ? 'counts' : 'checksums';
  const tables: Proof['tables'] = [];
  for (const table of await readDumpedTables(session, database, options.leftOut.names)) {
    const coverage =
      level === 'counts' ? 'none' : await coverageOf(session, database, table, config.proofLimitBytes);
    tables.push(await proveTable(session, database, table, coverage, method));
  }
  // The snapshot is given back: an old one makes the server keep what was deleted since.
  await session.query('ROLLBACK');
  const counters = [...(await options.dump)].map(([name, value]) => ({ name, value }));
  // Definitions obey no snapshot: they are the dump's where nobody changed them while it ran.
  const after = await readObjects(session, database, options.leftOut);
  const changed = JSON.stringify(after) !== JSON.stringify(objects);
  return {
    version: 1,
    engine: session.flavour,
    serverVersion: session.version,
    database,
    takenAt: options.takenAt,
    level,
    method,
    unproven:
      options.unproven ?? (changed ? 'tables or other objects were altered while the dump ran' : null),
    tables,
    counters: sorted(counters),
    objects,
  };
}

function reasonOf(error: unknown): string {
  const { code, message } = errorFields(error);
  if (isConnectionLost(error) || message.includes('closed state')) {
    return 'the server or somebody on it ended the connection that read the rows';
  }
  if (code === 'ER_TABLE_DEF_CHANGED' || code === 'ER_NO_SUCH_TABLE') {
    return `a table was altered, truncated or dropped while the dump ran: ${message}`;
  }
  return message;
}
