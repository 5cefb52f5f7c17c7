import { errorFields } from '../../error-fields.ts';
import { isConnectionLost } from '../errors.ts';
import { isDatabase, quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';

/** A foreign key from a table that is swapped to one that stays, as the clause that makes it in the target. */
export interface OutwardKey {
  table: string;
  /** Quoted. */
  name: string;
  clause: string;
}

/**
 * Reads the foreign keys of the tables in `fresh` that point to a table which is not there: to one of the target's that stays.
 * A key that names another database means that one already.
 */
export async function readOutwardKeys(
  session: MysqlSession,
  { target, fresh, tables }: { target: string; fresh: string; tables: string[] },
): Promise<OutwardKey[]> {
  const keys: OutwardKey[] = [];
  for (const table of tables) {
    const [row] = await session.query(`SHOW CREATE TABLE ${quoteName(fresh)}.${quoteName(table)}`);
    for (const line of String(row?.['Create Table']).split('\n')) {
      const [, name, columns, parent, rest] = KEY.exec(line) ?? [];
      if (name === undefined || parent === undefined || tables.some((one) => quoteName(one) === parent))
        continue;
      const clause = `CONSTRAINT ${name} FOREIGN KEY ${columns} REFERENCES ${quoteName(target)}.${parent}${rest}`;
      keys.push({ table, name, clause });
    }
  }
  return keys;
}

/**
 * Lets them point into the target, before their tables are moved there: a key follows its parent, and not its child. What it refers to
 * is not looked at, as in any load of a dump.
 */
export async function pointKeys(session: MysqlSession, fresh: string, keys: OutwardKey[]): Promise<void> {
  if (keys.length === 0) return;
  await session.query('SET SESSION foreign_key_checks = 0');
  for (const { table, name, clause } of keys) {
    const altered = `ALTER TABLE ${quoteName(fresh)}.${quoteName(table)}`;
    await session.query(`${altered} DROP FOREIGN KEY ${name}`);
    await session.query(`${altered} ADD ${clause}`);
  }
  await session.query('SET SESSION foreign_key_checks = 1');
}

/**
 * Old rows hold on to nothing that lives: drops the keys that go out of the database which is kept. Everybody who uses what such a key
 * points to waits behind the statement, so that it gives up soon, and is tried so often. Returns those that are left, as sentence parts with
 * what drops them. Throws where the connection is gone. May be called again.
 */
export async function dropKeysOut(session: MysqlSession, keep: string, tries: number): Promise<string[]> {
  const keys = await session.query(
    `SELECT DISTINCT table_name AS tab, constraint_name AS name, referenced_table_schema AS db, referenced_table_name AS parent
      FROM information_schema.key_column_usage
      WHERE ${isDatabase('table_schema', keep)} AND CAST(referenced_table_schema AS BINARY) <> CAST(table_schema AS BINARY)`,
  );
  if (keys.length === 0) return [];
  const [row] = await session.query('SELECT @@SESSION.lock_wait_timeout AS seconds');
  await session.query(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_SECONDS}`);
  const left: string[] = [];
  for (const { tab, name, db, parent } of keys) {
    const statement = `ALTER TABLE ${quoteName(keep)}.${quoteName(String(tab))} DROP FOREIGN KEY ${quoteName(String(name))}`;
    const error = await attempt(() => session.query(statement), tries);
    if (error === null) continue;
    const why = errorFields(error).message;
    left.push(
      `${keep}.${String(tab)} still has a foreign key to ${String(db)}.${String(parent)} (${why}), so that rows there cannot be deleted, or take with them what is kept: run ${statement};`,
    );
  }
  await session.query(`SET SESSION lock_wait_timeout = ${Number(row?.seconds)}`);
  return left;
}

const LOCK_WAIT_SECONDS = 1;

/** Null for success, or what the last try said. */
async function attempt(work: () => Promise<unknown>, tries: number): Promise<unknown> {
  try {
    await work();
    return null;
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    return tries > 1 ? attempt(work, tries - 1) : error;
  }
}

const NAME = '`(?:[^`]|``)+`';
const COLUMNS = `\\(${NAME}(?:, ?${NAME})*\\)`;
/** A line of SHOW CREATE TABLE. */
const KEY = new RegExp(
  `^ {2}CONSTRAINT (${NAME}) FOREIGN KEY (${COLUMNS}) REFERENCES (${NAME})( ${COLUMNS}[ A-Z]*),?$`,
);
