import { HoldfastError } from '../../../core/errors.ts';
import { statementError } from '../errors.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { findDependents } from './outside.ts';

/** Drops a schema with what is in it, and nothing else: throws `failed` that names what outside of it depends on it. */
export async function dropSchema(session: PostgresSession, schema: string): Promise<void> {
  try {
    const [first] = await findDependents(session, schema);
    if (first !== undefined) {
      throw new HoldfastError('failed', `the schema "${schema}" is not dropped: ${first} depends on it`, {
        hint: `Drop that first if nobody needs it, or keep both: DROP SCHEMA ${quoteIdentifier(schema)} is up to you then.`,
      });
    }
    await session.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`);
  } catch (error) {
    const give = `ALTER SCHEMA ${quoteIdentifier(schema)} OWNER TO ${quoteIdentifier(session.user)};`;
    throw statementError(error, `cannot drop the schema ${schema}`, give);
  }
}
