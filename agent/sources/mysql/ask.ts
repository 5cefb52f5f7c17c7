import { firstValue } from '../first-value.ts';
import type { Answer, Question } from '../source.ts';
import { statementError } from './errors.ts';
import { quoteName } from './names.ts';
import type { MysqlSession } from './session.ts';

/** An answer of more rows counts as one of so many. */
const MOST_ROWS = 1_000_000;

/** Asks in a transaction that cannot write. */
export async function askDatabase(
  session: MysqlSession,
  target: string,
  { sql, timeoutMs }: Question,
): Promise<Answer> {
  // Each counts in a unit of its own.
  const limit =
    session.flavour === 'mariadb'
      ? `max_statement_time = ${timeoutMs / 1000}`
      : `max_execution_time = ${timeoutMs}`;
  try {
    await session.query(`SET SESSION ${limit}, sql_select_limit = ${MOST_ROWS}`);
    await session.query(`USE ${quoteName(target)}`);
    await session.query('START TRANSACTION READ ONLY');
    const rows = await session.query(sql);
    return { rows: rows.length, value: firstValue(rows[0]) };
  } catch (error) {
    throw statementError(error, 'the server refused it', null);
  }
}
