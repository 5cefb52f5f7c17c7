import { HoldfastError } from '../../core/errors.ts';
import { codeOf, statementError } from './errors.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';

/** Creates an empty database with these options of CREATE DATABASE; what is not among them is the server's. */
export async function createDatabase(
  session: PostgresSession,
  target: string,
  clauses: string,
): Promise<void> {
  try {
    // template1 may hold what somebody put there; a dump loads into template0 alone as into a new database.
    await session.query(`CREATE DATABASE ${quoteIdentifier(target)} TEMPLATE template0 ${clauses}`);
  } catch (error) {
    if (TAKEN.has(codeOf(error))) {
      throw new HoldfastError('target_not_empty', `there is a database ${target} already`, {
        hint: 'Choose another name, or drop that database first.',
        cause: error,
      });
    }
    const mend = `ALTER ROLE ${quoteIdentifier(session.user)} CREATEDB;`;
    throw statementError(error, `cannot create the database ${target}`, mend);
  }
}

/** Also by somebody who makes it at the same time. */
const TAKEN = new Set(['42P04', '23505']);

/** Ends other connections to it: a client that was just killed may still linger. */
export async function dropDatabase(session: PostgresSession, target: string): Promise<void> {
  const drop = `DROP DATABASE IF EXISTS ${quoteIdentifier(target)}`;
  try {
    await session
      .query(`${drop} WITH (FORCE)`)
      .catch((error: unknown) => dropPast(session, target, drop, error));
  } catch (error) {
    const mend = `ALTER DATABASE ${quoteIdentifier(target)} OWNER TO ${quoteIdentifier(session.user)};`;
    throw statementError(error, `cannot drop the database ${target}`, mend);
  }
}

/**
 * FORCE wants a right over every process in the database, and over a worker of autovacuum none but a superuser has any. DROP
 * without it ends such workers by itself, and waits five seconds for others.
 */
async function dropPast(
  session: PostgresSession,
  target: string,
  drop: string,
  error: unknown,
): Promise<void> {
  if (codeOf(error) !== '42501') throw error;
  await session.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = current_user',
    [target],
  );
  await session.query(drop);
}

export async function listDatabases(session: PostgresSession, prefix: string): Promise<string[]> {
  const rows = await session.query('SELECT datname AS name FROM pg_database ORDER BY 1');
  return rows.map(({ name }) => String(name)).filter((name) => name.startsWith(prefix));
}

/** Null where there is no such database. */
export async function sizeOfDatabase(session: PostgresSession, database: string): Promise<number | null> {
  const [row] = await session.query(
    'SELECT pg_database_size(oid) AS bytes FROM pg_database WHERE datname = $1',
    [database],
  );
  return row === undefined ? null : Number(row.bytes);
}
