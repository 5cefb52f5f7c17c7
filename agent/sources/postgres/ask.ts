import { firstValue } from '../first-value.ts';
import type { Answer, Question } from '../source.ts';
import { statementError } from './errors.ts';
import type { PostgresSession } from './session.ts';

/** Rows that are held in memory at once. */
const BATCH = 500;

/** Asks through a cursor, so that a large answer is counted in small pieces. */
export async function askDatabase(session: PostgresSession, { sql, timeoutMs }: Question): Promise<Answer> {
  try {
    await session.query(`SET statement_timeout = ${timeoutMs}`);
    // What people wrote means what it means to them, without a schema before each name.
    await session.query('SET search_path = "$user", public');
    await session.query('BEGIN READ ONLY');
    await session.query(`DECLARE question NO SCROLL CURSOR FOR ${sql.replace(/[;\s]+$/, '')}`);
    let rows = 0;
    let value: string | null = null;
    for (;;) {
      const batch = await session.query(`FETCH ${BATCH} FROM question`);
      if (rows === 0) value = firstValue(batch[0]);
      rows += batch.length;
      if (batch.length < BATCH) return { rows, value };
    }
  } catch (error) {
    throw statementError(error, 'the server refused it', null);
  }
}
