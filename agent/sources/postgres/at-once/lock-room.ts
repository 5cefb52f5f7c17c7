import { HoldfastError } from '../../../core/errors.ts';
import type { Hurdle } from '../../source.ts';
import type { Entry } from '../archive-contents.ts';
import { FIRST_OWN_OID } from '../contents.ts';
import { codeOf } from '../errors.ts';
import type { PostgresSession } from '../session.ts';

/**
 * What keeps a transaction from holding all the locks that it takes to drop everything in the database that the session is in, and to make
 * what the dump has; null for nothing, and of a dump that is not known yet nothing is counted.
 */
export async function lockHurdle(session: PostgresSession, entries: Entry[] | null): Promise<Hurdle | null> {
  const [row] = await session.query(LOCKS);
  const dropped = Number(row?.objects) + Number(row?.large);
  const made = locksOf(entries ?? []);
  const [each, times] = [Number(row?.each), Number(row?.times)];
  const room = each * times - Number(row?.held);
  if (dropped + made <= room) return null;
  const needed = Math.ceil((dropped + made + Number(row?.held)) / times / 64) * 64;
  return {
    detail: `to replace everything in one transaction takes about ${dropped + made} locks, and the server has room for ${Math.max(0, room)}`,
    mend: lockHint(needed),
  };
}

/**
 * Where the server's table of locks was full under what was made of these, in a transaction that is over: the same error with the setting that has
 * room for it. Any other error as it is.
 */
export async function withLockHint(
  session: PostgresSession,
  entries: Entry[],
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof HoldfastError) || codeOf(error.cause) !== '53200') return error;
  // Memory that is not shared has the same code.
  if (!error.message.includes('shared memory')) return error;
  const [row] = await session.query(LOCKS).catch(() => []);
  const [each, times] = [Number(row?.each), Number(row?.times)];
  const more = Math.ceil((locksOf(entries) + Number(row?.held)) / times / 64) * 64;
  const needed = row === undefined ? undefined : Math.max(more, 2 * each);
  return new HoldfastError(error.kind, error.message, { hint: lockHint(needed), cause: error.cause });
}

function locksOf(entries: Entry[]): number {
  return entries.reduce((sum, { kind }) => sum + (LOCKS_OF[kind] ?? 0), 0);
}

export function lockHint(needed?: number): string {
  return `Set max_locks_per_transaction${needed === undefined ? ' higher' : ` = ${needed}`} there, which takes a restart of the server.`;
}

/** Each object that is dropped takes one, the parts of a table too. `times`: of everybody who may hold some, as the server reckons. */
const LOCKS = `SELECT (SELECT count(*) FROM (SELECT DISTINCT classid, objid FROM pg_depend WHERE objid >= ${FIRST_OWN_OID}) o) AS objects,
  (SELECT count(*) FROM pg_largeobject_metadata) AS large,
  (SELECT count(*) FROM pg_locks WHERE NOT fastpath AND pid <> pg_backend_pid()) AS held,
  current_setting('max_locks_per_transaction')::bigint AS each,
  (SELECT sum(setting::bigint) + 1 FROM pg_settings WHERE name IN ('max_connections', 'max_prepared_transactions',
    'max_worker_processes', 'max_wal_senders', 'autovacuum_max_workers')) AS times`;

/** A new relation, those for its long values, or its index. */
const LOCKS_OF: Record<string, number> = {
  TABLE: 3,
  'MATERIALIZED VIEW': 3,
  'FOREIGN TABLE': 1,
  VIEW: 1,
  SEQUENCE: 1,
  INDEX: 1,
  CONSTRAINT: 1,
};
