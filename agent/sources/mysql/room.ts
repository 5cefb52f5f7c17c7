import { isDatabase } from './names.ts';
import type { MysqlSession } from './session.ts';
import { atLeast } from './version.ts';

/** What a database takes on the server's disk, by its own estimate; null where it holds no table. Bytes. */
export async function sizeOfDatabase(session: MysqlSession, database: string): Promise<number | null> {
  // MySQL keeps what it once said for a day; a database that was loaded a moment ago has no size then.
  if (session.flavour === 'mysql' && atLeast(session.version, 8, 0))
    await session.query('SET SESSION information_schema_stats_expiry = 0');
  const [row] = await session.query(
    `SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables
      WHERE ${isDatabase('table_schema', database)} AND table_type <> 'VIEW'`,
  );
  return row?.bytes == null ? null : Number(row.bytes);
}
