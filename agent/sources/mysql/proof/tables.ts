import { isTransactional } from '../contents.ts';
import { isDatabase } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import type { HashedColumn } from './row-hash.ts';

/** A table whose rows a dump holds. */
export interface DumpedTable {
  name: string;
  /** Those that a dump holds: generated ones come back by themselves. */
  columns: HashedColumn[];
  /** The first column of the primary key where it is a whole number: what ranges can be made of. */
  rangeKey: string | null;
  /** The server's estimate of what the rows take. */
  bytes: number;
  excuse: string | null;
}

/** Their rows are those of other tables, or of other servers, and clients do not dump them. */
const WITHOUT_OWN_ROWS = new Set(['MRG_MyISAM', 'FEDERATED']);

/** Reads which tables there are, but for those of these names. */
export async function readDumpedTables(
  session: MysqlSession,
  database: string,
  ignored: Set<string>,
): Promise<DumpedTable[]> {
  const tables = await session.query(
    `SELECT table_name AS name, engine AS engine, data_length AS bytes FROM information_schema.tables
      WHERE ${isDatabase('table_schema', database)} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')`,
  );
  const columns = await readColumns(session, database);
  return tables
    .map(({ name, engine, bytes }) => ({
      name: String(name),
      engine: typeof engine === 'string' ? engine : null,
      bytes: Number(bytes ?? 0),
    }))
    .filter(({ name, engine }) => !ignored.has(name) && !WITHOUT_OWN_ROWS.has(engine ?? ''))
    .map(({ name, engine, bytes }) => ({
      name,
      bytes,
      excuse: excuseOf(engine),
      ...(columns.get(name) ?? { columns: [], rangeKey: null }),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether anything was committed between two snapshots is known of InnoDB alone. */
function excuseOf(engine: string | null): string | null {
  if (engine === null || engine === 'InnoDB') return null;
  const why = isTransactional(engine) ? 'is not InnoDB' : 'has no transactions';
  return `${engine} ${why}: rows may have changed between the dump's reading and the proof's`;
}

type Columns = Pick<DumpedTable, 'columns' | 'rangeKey'>;

async function readColumns(session: MysqlSession, database: string): Promise<Map<string, Columns>> {
  const first = await session.query(
    `SELECT table_name AS tab, column_name AS name FROM information_schema.statistics
      WHERE ${isDatabase('table_schema', database)} AND index_name = 'PRIMARY' AND seq_in_index = 1`,
  );
  const leading = new Map(first.map(({ tab, name }) => [String(tab), String(name)]));
  const rows = await session.query(
    `SELECT table_name AS tab, column_name AS name, data_type AS type, is_nullable AS nullable,
      generation_expression AS expression FROM information_schema.columns
      WHERE ${isDatabase('table_schema', database)} ORDER BY table_name, ordinal_position`,
  );
  const tables = new Map<string, Columns>();
  for (const { tab, name, type, nullable, expression } of rows) {
    const found = tables.get(String(tab)) ?? { columns: [], rangeKey: null };
    tables.set(String(tab), found);
    if (expression !== null && expression !== '') continue;
    const column = { name: String(name), type: String(type), nullable: nullable === 'YES' };
    found.columns.push(column);
    if (leading.get(String(tab)) === column.name && column.type.endsWith('int')) found.rangeKey = column.name;
  }
  return tables;
}
