import type { MysqlSession } from '../session.ts';
import { atLeast } from '../version.ts';

/** A dump may take longer than an idle session is given. */
const IDLE_SECONDS = 7 * 24 * 60 * 60;
/** What is being altered for longer is not read. */
const LOCK_WAIT_SECONDS = 60;

/** Makes the session read alike on every server, and for as long as it takes. */
export async function prepareSession(session: MysqlSession): Promise<void> {
  const settings = [
    "time_zone = '+00:00'",
    `wait_timeout = ${IDLE_SECONDS}`,
    `lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
    // What could not be hashed shows as a warning.
    'max_error_count = 64',
    'sql_big_selects = 1',
    'sql_select_limit = DEFAULT',
    ...(session.flavour === 'mariadb' ? mariadbSettings(session) : mysqlSettings(session)),
  ];
  await session.query(`SET ${settings.map((setting) => `SESSION ${setting}`).join(', ')}`);
  await session.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
}

function mariadbSettings({ version }: MysqlSession): string[] {
  return [
    'max_statement_time = 0',
    ...(atLeast(version, 10, 3)
      ? [
          'idle_transaction_timeout = 0',
          'idle_readonly_transaction_timeout = 0',
          'system_versioning_asof = DEFAULT',
        ]
      : []),
  ];
}

function mysqlSettings({ version }: MysqlSession): string[] {
  // The counters that information_schema shows may otherwise be a day old.
  return [
    'max_execution_time = 0',
    ...(atLeast(version, 8, 0) ? ['information_schema_stats_expiry = 0'] : []),
  ];
}
