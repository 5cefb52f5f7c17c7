import { statementError } from '../errors.ts';
import type { PostgresSession } from '../session.ts';

/** The longest that a statement waits for somebody's schema change. */
const LOCK_TIMEOUT = '120s';

/** Begins the transaction in which all of a proof is read: one snapshot, nothing written. */
export async function beginSnapshot(session: PostgresSession): Promise<void> {
  await readInOneWay(session);
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

/**
 * Settings of the session under which a proof is read: no limit of the server's own (a snapshot that is held for a dump looks
 * idle), and each value written as text in one way whatever the role's settings are.
 */
export async function readInOneWay(session: PostgresSession): Promise<void> {
  const settings = [
    'statement_timeout = 0',
    'idle_in_transaction_session_timeout = 0',
    `lock_timeout = '${LOCK_TIMEOUT}'`,
    // Rows that a policy hides must be an error, not a smaller number.
    'row_security = off',
    'extra_float_digits = 1',
    "datestyle = 'ISO, YMD'",
    'intervalstyle = postgres',
    "timezone = 'UTC'",
    'bytea_output = hex',
    "lc_monetary = 'C'",
    'quote_all_identifiers = off',
    'standard_conforming_strings = on',
    // Its compiler takes memory, and time that these statements do not win back.
    'jit = off',
    // A connection that was cut ends its work at once.
    ...(session.major >= 14 ? ["client_connection_check_interval = '250ms'"] : []),
    ...(session.major >= 17 ? ['transaction_timeout = 0'] : []),
  ];
  for (const setting of settings) await session.query(`SET ${setting}`);
}

/** The name by which others take the snapshot over, as long as this transaction lives. To be asked before the first step. */
export async function exportSnapshot(session: PostgresSession): Promise<string> {
  const [row] = await session.query('SELECT pg_export_snapshot() AS name');
  return String(row?.name);
}

/** What each step goes back to. */
export async function beginSteps(session: PostgresSession): Promise<void> {
  await session.query('SAVEPOINT step');
}

/**
 * One step in that transaction. The locks that it took are given back at its end: a transaction that kept one for every
 * table could use up the server's lock table, and the dump would die of it. A step that fails leaves the snapshot as it was.
 */
export async function step<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    // Where the connection is gone the next statement says it, and this one's cause is told first.
    await session.query('ROLLBACK TO SAVEPOINT step').catch(() => undefined);
  }
}

/** Whether a statement failed because its connection is gone, so that there is nothing left to go on with. */
export function isLost(error: unknown): boolean {
  return statementError(error, '', null).kind === 'source_unreachable';
}
