import { systemClock, utc } from '../../../core/clock.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { Proof, TableProof } from '../../../proof/proof.ts';
import { errorFields } from '../../error-fields.ts';
import { statementError } from '../errors.ts';
import type { PostgresSession } from '../session.ts';
import { readCountersLike } from './counters.ts';
import { LARGE_OBJECTS, largeObjectBytes, readLargeObjects } from './large-objects.ts';
import { readObjects } from './objects.ts';
import { beginSnapshot, beginSteps, readInOneWay } from './snapshot.ts';
import { createTableReader } from './table-reader.ts';
import { listTables, methodOf, type Extent } from './tables.ts';

/** Reads of the database that the session is in what `like` says of the source. Throws when anything of it cannot be read. */
export async function proveLike(session: PostgresSession, target: string, like: Proof): Promise<Proof> {
  try {
    await beginSnapshot(session);
    await beginSteps(session);
    const proof = await readLike(session, target, like);
    await session.query('COMMIT');
    return proof;
  } catch (error) {
    throw unread(target, error);
  }
}

/** The same in a transaction that has changed something and goes on to: of what it has made, which nobody else sees. */
export async function proveWithin(session: PostgresSession, target: string, like: Proof): Promise<Proof> {
  try {
    await readInOneWay(session);
    // A step goes back to it, and not behind what was changed before.
    await beginSteps(session);
    const proof = await readLike(session, target, like);
    await session.query('RELEASE SAVEPOINT step');
    return proof;
  } catch (error) {
    throw unread(target, error);
  }
}

function unread(target: string, error: unknown): HoldfastError {
  return statementError(error, `cannot read ${target} for the comparison with its proof`, null);
}

async function readLike(session: PostgresSession, target: string, like: Proof): Promise<Proof> {
  return {
    version: 1,
    engine: 'postgres',
    serverVersion: session.version,
    database: target,
    takenAt: utc(systemClock.now()),
    level: like.level,
    method: await methodOf(session),
    unproven: null,
    tables: await tablesLike(session, like),
    counters: await readCountersLike(session, like),
    objects: await readObjects(session, [], like.objects),
  };
}

/** A table that `like` does not name is told by the objects; its rows may be what the dump was allowed to lack. */
async function tablesLike(session: PostgresSession, like: Proof): Promise<TableProof[]> {
  const expected = new Map(like.tables.map((table) => [table.name, table]));
  const read: TableProof[] = [];
  const tables = (await listTables(session, [])).flatMap((table) => {
    const model = expected.get(table.name);
    return model === undefined ? [] : [{ table, extent: extentLike(model) }];
  });
  const readTable = createTableReader(session, tables);
  for (const { table } of tables) {
    try {
      read.push(await readTable(table));
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      throw statementError(error, `cannot read ${table.name}: ${errorFields(error).message}`, null);
    }
  }
  const objects = expected.get(LARGE_OBJECTS);
  if (objects !== undefined || (await largeObjectBytes(session)) > 0) {
    read.push(await readLargeObjects(session, objects !== undefined && objects.checksum !== null));
  }
  return read;
}

/** What of a table is to be read so that it can be compared with another's proof. */
export function extentLike(model: TableProof): Extent {
  if (model.checksum === null) return 'none';
  return model.sample ?? 'all';
}
