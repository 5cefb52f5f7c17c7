import type { PostgresSourceConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../core/errors.ts';
import type { AtOnceOrder, Restored } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { emptyWithin } from '../empty.ts';
import { codeOf, statementError } from '../errors.ts';
import { analyzeDatabase } from '../examine.ts';
import { inspectWithin } from '../inspect.ts';
import type { PreparedLoad } from '../load.ts';
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
  { load, order, onCommit }: { load: PreparedLoad; order: AtOnceOrder; onCommit: () => void },
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
    await commit(session, database);
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

async function commit(session: PostgresSession, database: string): Promise<void> {
  try {
    await session.query('COMMIT');
  } catch (error) {
    const what = `the connection was lost as ${database} was put in place`;
    const told = statementError(error, what, null);
    if (told.kind !== 'source_unreachable') throw error;
    throw new HoldfastError('source_unreachable', told.message, {
      hint: `It is whole, and either what it was or what the snapshot has: look, and restore again where it is not the latter.`,
      cause: error,
    });
  }
}

function refusal(database: string, error: unknown): HoldfastError {
  const code = codeOf(error);
  const told = statementError(error, `cannot replace what is in ${database}`, null);
  const hint = code === LOCK_NOT_AVAILABLE ? IN_USE : code === OUT_OF_MEMORY ? lockHint() : undefined;
  if (hint === undefined || told.hint !== undefined) return told;
  return new HoldfastError(told.kind, `${told.message}; nothing was changed`, { hint, cause: error });
}

const LOCK_NOT_AVAILABLE = '55P03';
const OUT_OF_MEMORY = '53200';
const IN_USE = `Somebody has used a table there for ${LOCK_TIMEOUT} without a pause: stop what uses the database, prepared transactions included, and restore again.`;
