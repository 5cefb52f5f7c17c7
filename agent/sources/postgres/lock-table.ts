import { USER_SCHEMAS } from './contents.ts';
import type { PostgresSession } from './session.ts';

/** What a server has to lock tables in. */
export interface LockTable {
  /** Tables that a dump locks. */
  tables: number;
  /** For how many locks there is room. */
  room: number;
  /** `max_locks_per_transaction`, and how many transactions share the table, each with so many. */
  each: number;
  times: number;
}

/**
 * pg_dump locks every table and holds all locks to its end, in a table of the server's that has room for so many. What does not fit may still be
 * lent room, so this is a warning.
 */
export async function lockTableWarnings(session: PostgresSession): Promise<string[]> {
  const { tables, room, times } = await readLockTable(session);
  if (tables <= room) return [];
  return [
    `a dump locks ${tables} tables at once, and the server has room for ${room} locks: set max_locks_per_transaction = ${enoughFor(tables, times)} there, which takes a restart`,
  ];
}

/** What to set where a dump ran out of it. */
export function outOfLocksHint({ tables, room, each, times }: LockTable): string {
  // Where its own would have fitted, others hold some meanwhile.
  const enough = tables > room ? enoughFor(tables, times) : 2 * each;
  return `Set max_locks_per_transaction = ${enough} on the server (it is ${each}), which takes a restart: a dump locks all tables at once, ${tables} of them.`;
}

/** The setting with which there is room for so many locks. */
export function enoughFor(locks: number, times: number): number {
  return Math.ceil(locks / times / 64) * 64;
}

export async function readLockTable(session: PostgresSession): Promise<LockTable> {
  const [row] = await session.query(
    `SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${USER_SCHEMAS}) AS tables,
      current_setting('max_locks_per_transaction')::bigint AS each,
      current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint AS times`,
  );
  const [each, times] = [Number(row?.each), Number(row?.times)];
  return { tables: Number(row?.tables), room: each * times, each, times };
}
