import type { MysqlSourceConfig } from '../../../config/config.ts';
import { errorFields } from '../../error-fields.ts';
import type { MysqlGrants } from '../grants.ts';
import { withMysqlSession, type MysqlSession } from '../session.ts';
import { atLeast } from '../version.ts';
import { whyNotStill } from './rights.ts';

/** The server itself ends a session that holds the lock and says nothing for so long, whatever became of us. */
const IDLE_SECONDS = 2;
/** How long the work under the lock may take. */
const HOLD_MS = 1_500;
/** Connecting, waiting for the lock, holding it, giving it back. */
const SESSION_TIMEOUT_MS = 10_000;
/** A statement that has run for so long may run on for long. With MySQL's lock, what waits for it makes everybody wait. */
const LONG_STATEMENT_SECONDS = { backupStage: 2, readLock: 1 };

/** Why the lock may not be taken now, as a sentence part; null when nothing speaks against it. */
export async function whyNoLock(session: MysqlSession, grants: MysqlGrants): Promise<string | null> {
  const restless = whyNotStill(session, grants);
  if (restless !== null) return `${restless.detail} (${restless.mend})`;
  const rows = await session.query('SHOW PROCESSLIST');
  const long = rows.find((row) => isInTheWay(row, session));
  if (long === undefined) return null;
  return `no lock was taken because a statement has been running for ${String(long.Time)} s (connection ${String(long.Id)})`;
}

/** MySQL's lock waits for every statement that reads or writes, and all that comes behind it waits too, even after it has given up. */
function isInTheWay({ Command, Time, Info }: Record<string, unknown>, session: MysqlSession): boolean {
  const stages = hasBackupStages(session);
  const limit = stages ? LONG_STATEMENT_SECONDS.backupStage : LONG_STATEMENT_SECONDS.readLock;
  if (!/^(Query|Execute)$/.test(String(Command)) || Number(Time) < limit) return false;
  const reads = /^\s*(?:\/\*.*?\*\/\s*)*(?:SELECT|WITH|SHOW)\b/is.test(String(Info));
  return !(reads && stages);
}

/**
 * Runs the work while nobody's transaction can commit. Throws when the lock is not had within a second, when the work
 * throws, and when the lock did not hold until the work's end. It is gone in every case when this settles; and where we
 * cannot say so ourselves any more, the server frees it after `IDLE_SECONDS`.
 */
export async function withCommitsHeld<T>(
  config: MysqlSourceConfig,
  options: { signal: AbortSignal; caFile: string },
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limits = { ...options, timeoutMs: SESSION_TIMEOUT_MS };
  return withMysqlSession(config, limits, async (session) => {
    await session.query(`SET SESSION wait_timeout = ${IDLE_SECONDS}, lock_wait_timeout = 1`);
    const [take, release] = hasBackupStages(session)
      ? [['BACKUP STAGE START', 'BACKUP STAGE BLOCK_COMMIT'], 'BACKUP STAGE END']
      : [['FLUSH TABLES WITH READ LOCK'], 'UNLOCK TABLES'];
    try {
      for (const statement of take) await session.query(statement);
    } catch (error) {
      throw new Error(`the lock was not had within a second: ${errorFields(error).message}`, {
        cause: error,
      });
    }
    const result = await work(AbortSignal.any([options.signal, AbortSignal.timeout(HOLD_MS)]));
    try {
      await session.query(release);
    } catch (error) {
      throw new Error('the server ended the lock before the snapshots were open', { cause: error });
    }
    return result;
  });
}

/** These hold commits alone still, and wait for no reader. */
function hasBackupStages({ flavour, version }: MysqlSession): boolean {
  return flavour === 'mariadb' && atLeast(version, 10, 4, 1);
}
