import type { TableProof } from '../../../proof/proof.ts';
import type { PostgresSession } from '../session.ts';
import type { RowTable } from './row-table.ts';
import { step } from './snapshot.ts';
import { modulo, readTable, requireUntouched, sumOf, untouched, type Extent } from './tables.ts';

/**
 * Reads tables as `readTable` does, to be asked for in this order. Small ones are read several at a time: of thousands, the way to the server
 * and back takes longer than the rows. Where that fails each is read by itself, so that one that cannot be read costs no other its proof.
 */
export function createTableReader(
  session: PostgresSession,
  tables: { table: RowTable; extent: Extent }[],
): (table: RowTable) => Promise<TableProof> {
  const read = new Map<RowTable, TableProof>();
  const alone = new Set<RowTable>();
  const extents = new Map(tables.map(({ table, extent }) => [table, extent]));
  const places = new Map(tables.map(({ table }, place) => [table, place]));
  const batchFrom = (table: RowTable) => {
    const batch: RowTable[] = [];
    let pages = 0;
    for (const next of tables.slice(places.get(table), (places.get(table) ?? 0) + MOST_TABLES)) {
      pages += next.table.pages;
      if (pages > MOST_PAGES || typeof next.extent !== 'string' || alone.has(next.table)) break;
      batch.push(next.table);
    }
    return batch;
  };
  return async (table) => {
    const batch = read.has(table) ? [] : batchFrom(table);
    if (batch.length > 1) {
      try {
        for (const [one, proof] of await readBatch(session, batch, extents)) read.set(one, proof);
      } catch {
        // What is wrong, and with which of them, is told when each is read.
        batch.forEach((one) => alone.add(one));
      }
    }
    const known = read.get(table);
    read.delete(table);
    return known ?? readTable(session, table, extents.get(table) ?? 'none');
  };
}

/** Locks of one statement, and 16 MB. */
const MOST_TABLES = 20;
const MOST_PAGES = 2048;

async function readBatch(
  session: PostgresSession,
  batch: RowTable[],
  extents: Map<RowTable, Extent>,
): Promise<[RowTable, TableProof][]> {
  const reads = batch.map((table, place) => {
    const sum = extents.get(table) === 'all' ? sumOf(table) : 'NULL::numeric';
    return `SELECT ${place} AS place, count(*) AS rows, ${sum} AS sum, ${untouched(table)} AS untouched FROM ${table.dumped}`;
  });
  const rows = await step(session, async () => {
    // Whoever holds one of them is waited for when that one is read by itself.
    await session.query("SET LOCAL lock_timeout = '2s'");
    return session.query(reads.join(' UNION ALL '));
  });
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]));
  return batch.map((table, place) => {
    const row = byPlace.get(place);
    requireUntouched(row);
    const checksum = extents.get(table) === 'all' ? modulo(BigInt(String(row?.sum))) : null;
    return [table, { name: table.name, rows: Number(row?.rows), checksum, sample: null, excuse: null }];
  });
}
