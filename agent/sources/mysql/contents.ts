import { HoldfastError } from '../../core/errors.ts';
import type { MysqlSourceConfig } from '../../config/config.ts';
import { isDatabase } from './names.ts';
import type { MysqlSession } from './session.ts';

/** What an account sees of a database. */
export interface MysqlContents {
  /** Base tables, system-versioned ones among them. */
  tables: string[];
  views: string[];
  /** `readable`: this account may see its text. */
  routines: { name: string; readable: boolean }[];
  /** Tables outside the consistent snapshot, with their engine. */
  nonTransactional: { name: string; engine: string }[];
  systemVersioned: string[];
  /** The server's estimate. */
  bytes: number | null;
}

/** Text attributes of a database, which its dump's header carries. */
export interface DatabaseCharset {
  charset: string;
  collation: string;
}

const TRANSACTIONAL = new Set(['InnoDB', 'ROCKSDB', 'TokuDB', 'ndbcluster']);

/** Whether a snapshot covers the tables of an engine. */
export function isTransactional(engine: string): boolean {
  return TRANSACTIONAL.has(engine);
}

/** Reads what the account sees; an account that sees nothing gets an empty answer, not an error. */
export async function readMysqlContents(session: MysqlSession, database: string): Promise<MysqlContents> {
  const objects = await session.query(
    `SELECT table_name AS name, table_type AS type, engine AS engine, create_options AS options,
      data_length + index_length AS bytes FROM information_schema.tables WHERE ${isDatabase('table_schema', database)} ORDER BY table_name`,
  );
  const routines = await session.query(
    `SELECT routine_name AS name, routine_definition IS NOT NULL AS readable
      FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)} ORDER BY routine_name`,
  );
  const tables = objects.filter(({ type }) => type === 'BASE TABLE' || type === 'SYSTEM VERSIONED');
  const sizes = tables.map(({ bytes }) => Number(bytes ?? 0));
  return {
    tables: tables.map(({ name }) => String(name)),
    views: objects.filter(({ type }) => type === 'VIEW').map(({ name }) => String(name)),
    routines: routines.map(({ name, readable }) => ({
      name: String(name),
      readable: Number(readable) === 1,
    })),
    nonTransactional: tables
      .filter(({ engine }) => engine !== null)
      .map(({ name, engine }) => ({ name: String(name), engine: String(engine) }))
      .filter(({ engine }) => !isTransactional(engine)),
    systemVersioned: tables.filter(({ type }) => type === 'SYSTEM VERSIONED').map(({ name }) => String(name)),
    bytes: sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** Throws `source_denied` where there is no such database or the account may not know of it: the server tells these apart to nobody. */
export async function readDatabaseCharset(
  session: MysqlSession,
  config: MysqlSourceConfig,
): Promise<DatabaseCharset> {
  const [row] = await session.query(
    `SELECT default_character_set_name AS charset, default_collation_name AS collation
      FROM information_schema.schemata WHERE ${isDatabase('schema_name', config.database)}`,
  );
  if (row === undefined) {
    throw new HoldfastError(
      'source_denied',
      `there is no database ${config.database}, or ${config.user} has no right on it`,
      {
        hint: `Check the database's name in source ${config.name} (SHOW DATABASES), and the grants of ${session.account}.`,
      },
    );
  }
  return { charset: String(row.charset), collation: String(row.collation) };
}
