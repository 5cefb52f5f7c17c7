import { USER_SCHEMAS } from './contents.ts';
import type { PostgresSession } from './session.ts';

/** What a server has to lock tables in. */
export interface LockTable {
  /** Tables that a dump locks. */
  tables: number;
  /** For how many locks there is room. */
  room: number;
  /** How many transactions share it, each with `max_locks_per_transaction`. */
  times: number;
}

/**
 * pg_dump locks every table and holds all locks to its end, in a table of the server's that has room for so many. What does not fit may still be
 * lent room, so this is a warning.
 */
export async function lockTableWarnings(session: PostgresSession): Promise<string[]> {
  const { tables, room, times } = await readLockTable(session);
  if (tables <= room) return [];
  const needed = Math.ceil(tables / times / 64) * 64;
  return [
    `a dump locks ${tables} tables at once, and the server has room for ${room} locks: set max_locks_per_transaction = ${needed} there, which takes a restart`,
  ];
}

export async function readLockTable(session: PostgresSession): Promise<LockTable> {
  const [row] = await session.query(
    `SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${USER_SCHEMAS}) AS tables,
      current_setting('max_locks_per_transaction')::bigint AS each,
      current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint AS times`,
  );
  const [each, times] = [Number(row?.each), Number(row?.times)];
  return { tables: Number(row?.tables), room: each * times, times };
}
