import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { AtOnceOrder, Restored } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { emptyWithin } from '../empty.ts';
import { codeOf, statementError } from '../errors.ts';
import { analyzeDatabase } from '../examine.ts';
import { inspectWithin } from '../inspect.ts';
import type { PreparedLoad } from '../prepare-load.ts';
import { proveWithin } from '../proof/prove.ts';
import type { PostgresSession } from '../session.ts';
import { lockHint, lockHurdle } from './lock-room.ts';

/**
 * Replaces everything in the database that the session is in, in one transaction: drops what is there, lets pg_restore load the dump on
 * this very connection, lets the caller hold what came back against its proof, and commits. Until then it is as it was to whoever connects
 * anew after a kill, and nobody sees the new rows; who uses it meanwhile waits. From `onCommit` on it is done or not done.
 */
export async function replaceAtOnce(
  session: PostgresSession,
  { database }: PostgresSourceConfig,
  deps: Pick<ClientDeps, 'runtimeDir'>,
  {
    load,
    order,
    onCommit,
  }: { load: Pick<PreparedLoad, 'entries' | 'run'>; order: AtOnceOrder; onCommit: () => void },
): Promise<Restored> {
  const hurdle = await lockHurdle(session, load.entries);
  if (hurdle !== null)
    throw new HoldfastError('restore_failed', `${hurdle.detail}; nothing was changed`, { hint: hurdle.mend });
  try {
    // Under the user's own settings, as pg_restore would find them: what a value means may hang on them.
    await session.query('BEGIN');
    await session.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    const ours = await transactionOf(session);
    await emptyWithin(session, database);
    const restored = await session.lend(deps.runtimeDir, (way) => load.run(way));
    if ((await transactionOf(session)) !== ours) throw left(database);
    await order.check({
      inspect: () => inspectWithin(session),
      prove: (_, like) => proveWithin(session, database, like),
      // The files of what was dropped are there until the commit.
      sizeOf: () => Promise.resolve(null),
    });
    // The first queries would be planned blindly.
    await analyzeDatabase(session);
    onCommit();
    await session.query('COMMIT');
    return restored;
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw refusal(database, error);
  }
}

/** For each table that somebody uses. */
const LOCK_TIMEOUT = '30s';

async function transactionOf(session: PostgresSession): Promise<string> {
  const [row] = await session.query('SELECT txid_current()::text AS id');
  return String(row?.id);
}

/** No dump of pg_dump's has a statement that ends one. */
function left(database: string): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    `the dump ended the transaction in which ${database} was replaced, which may not be whole`,
    { hint: 'It is no dump of pg_dump: restore another snapshot.' },
  );
}

function refusal(database: string, error: unknown): HoldfastError {
  const told = statementError(error, `cannot replace what is in ${database}`, null);
  // Who says what was being done has the server's own word as its cause.
  const hint = HINTS[codeOf(error instanceof HoldfastError ? error.cause : error)];
  if (hint === undefined || told.hint !== undefined) return told;
  return new HoldfastError(told.kind, `${told.message}; nothing was changed`, { hint, cause: error });
}

const STOP = 'stop what uses the database, prepared transactions included, and restore again.';

const HINTS: Record<string, string> = {
  /** lock_not_available */
  '55P03': `Somebody has used a table there for ${LOCK_TIMEOUT} without a pause: ${STOP}`,
  /** deadlock_detected */
  '40P01': `Somebody used one table there and waited for another that was dropped already: ${STOP}`,
  /** out_of_memory, which is said of the locks' table too */
  '53200': lockHint(),
};
