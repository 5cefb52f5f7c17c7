import type { Proof } from '../../../proof/proof.ts';
import { systemClock, utc } from '../../../core/clock.ts';
import { statementError } from '../errors.ts';
import type { MysqlSession } from '../session.ts';
import { readCounters } from './counters.ts';
import { readObjects } from './objects.ts';
import { METHOD } from './row-hash.ts';
import { prepareSession } from './session.ts';
import { proveTable, type Coverage } from './table-proof.ts';
import { readDumpedTables } from './tables.ts';

const NOTHING_LEFT_OUT = { names: new Set<string>(), routines: false, events: false };

/** Reads of a database that nobody writes to what `like` says of its source. A table that is not there is not in the answer. */
export async function proveDatabase(session: MysqlSession, target: string, like: Proof): Promise<Proof> {
  try {
    await prepareSession(session);
    const wanted = new Map(like.tables.map((table) => [table.name, table]));
    const tables: Proof['tables'] = [];
    for (const table of await readDumpedTables(session, target, new Set())) {
      const asked = wanted.get(table.name);
      if (asked === undefined) continue;
      const coverage: Coverage = asked.checksum === null ? 'none' : (asked.sample ?? 'all');
      tables.push(await proveTable(session, target, table, coverage));
    }
    return {
      version: 1,
      engine: session.flavour,
      serverVersion: session.version,
      database: target,
      takenAt: utc(systemClock.now()),
      level: like.level,
      method: METHOD,
      unproven: null,
      tables,
      counters: await readCounters(session, target),
      objects: await readObjects(session, target, NOTHING_LEFT_OUT),
    };
  } catch (error) {
    throw statementError(error, `cannot read what ${target} holds`, null);
  }
}
