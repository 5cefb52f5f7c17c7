import type { Proof, TableProof } from '../../../proof/proof.ts';
import { systemClock, utc } from '../../../core/clock.ts';
import { statementError } from '../errors.ts';
import type { MysqlSession } from '../session.ts';
import { inTwoSessions, type OpenAnother } from '../two-sessions.ts';
import { readCounters } from './counters.ts';
import { methodLike } from './hash-method.ts';
import { readObjects } from './objects.ts';
import type { Method } from './row-hash.ts';
import { prepareSession } from './session.ts';
import { proveTable, type Coverage } from './table-proof.ts';
import { readDumpedTables } from './tables.ts';

const NOTHING_LEFT_OUT = { names: new Set<string>(), routines: false, events: false };

/** Reads of a database that nobody writes to what `like` says of its source. A table that is not there is not in the answer. */
export async function proveDatabase(
  session: MysqlSession,
  another: OpenAnother,
  target: string,
  like: Proof,
): Promise<Proof> {
  try {
    await prepareSession(session);
    const method = await methodLike(session, like.method);
    return {
      version: 1,
      engine: session.flavour,
      serverVersion: session.version,
      database: target,
      takenAt: utc(systemClock.now()),
      level: like.level,
      method,
      unproven: null,
      tables: await tablesLike(session, another, target, { like, method }),
      counters: await readCounters(session, target),
      objects: await readObjects(session, target, NOTHING_LEFT_OUT, like),
    };
  } catch (error) {
    throw statementError(error, `cannot read what ${target} holds`, null);
  }
}

/** Nobody writes there, so that two sessions see the same without a snapshot. */
async function tablesLike(
  session: MysqlSession,
  another: OpenAnother,
  target: string,
  { like, method }: { like: Proof; method: Method },
): Promise<TableProof[]> {
  const wanted = new Map(like.tables.map((table) => [table.name, table]));
  const tables = (await readDumpedTables(session, target, new Set())).flatMap((table) => {
    const asked = wanted.get(table.name);
    if (asked === undefined) return [];
    const coverage: Coverage = asked.checksum === null ? 'none' : (asked.sample ?? 'all');
    return { table, coverage };
  });
  const prepared = new Set([session]);
  // With the largest ones first, the two are done at about the same time.
  const largestFirst = tables.toSorted((a, b) => b.table.bytes - a.table.bytes);
  const proofs = await inTwoSessions(session, another, largestFirst, async (one, { table, coverage }) => {
    if (!prepared.has(one)) await prepareSession(one);
    prepared.add(one);
    return proveTable(one, target, table, coverage, method);
  });
  return proofs.sort((a, b) => (a.name < b.name ? -1 : 1));
}
