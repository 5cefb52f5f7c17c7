import { systemClock, utc } from '../../../core/clock.ts';
import { schemaPrefix } from '../../../proof/of-schema.ts';
import type { Proof, TableProof } from '../../../proof/proof.ts';
import { readCountersLike } from '../proof/counters.ts';
import { readObjectsOf } from '../proof/objects.ts';
import { extentLike } from '../proof/prove.ts';
import { beginSnapshot } from '../proof/snapshot.ts';
import { createTableReader } from '../proof/table-reader.ts';
import { listTables, methodOf } from '../proof/tables.ts';
import type { PostgresSession } from '../session.ts';

/** Reads in steps of a proof within a transaction that has changed something and goes on to. */
export async function readBack<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
  // A step goes back to it, and not behind what was changed before.
  await session.query('SAVEPOINT step');
  const result = await work();
  await session.query('RELEASE SAVEPOINT step');
  return result;
}

/** Reads a schema of a database that nobody writes to, as `like` reads its source; throws when anything of it cannot be read. */
export async function proveSchema(
  session: PostgresSession,
  schema: string,
  like: Proof | null,
): Promise<Proof> {
  await beginSnapshot(session);
  const tables = await readRows(session, schema, like);
  const proof = await readRest(session, schema, { tables, like });
  await session.query('COMMIT');
  return proof;
}

/** The rows of a schema's tables, as `like` reads them; where there is none, how many there are. */
export function readRows(
  session: PostgresSession,
  schema: string,
  like: Proof | null,
): Promise<TableProof[]> {
  const expected = new Map(like?.tables.map((table) => [table.name, table]));
  return readBack(session, async () => {
    const read: TableProof[] = [];
    const tables = (await listTables(session, [], schema)).flatMap((table) => {
      const model = expected.get(table.name);
      // One that `like` does not name is told by the objects: its rows may be what the dump was allowed to lack.
      if (model === undefined && like !== null) return [];
      return [{ table, extent: model === undefined ? ('none' as const) : extentLike(model) }];
    });
    const readTable = createTableReader(session, tables);
    for (const { table } of tables) read.push(await readTable(table));
    return read;
  });
}

/** Objects and counters of a schema, and with them the proof of what was restored. */
export function readRest(
  session: PostgresSession,
  schema: string,
  { tables, like }: { tables: TableProof[]; like: Proof | null },
): Promise<Proof> {
  return readBack(session, async () => ({
    version: 1,
    engine: 'postgres',
    serverVersion: session.version,
    database: schemaPrefix(schema).slice(0, -1),
    takenAt: utc(systemClock.now()),
    level: like?.level ?? 'counts',
    method: await methodOf(session),
    unproven: null,
    tables,
    counters: await readCountersLike(session, like, schema),
    objects: await readObjectsOf(session, schema, { like: like?.objects ?? [] }),
  }));
}
