import { errorFields } from '../error-fields.ts';
import type { Examination } from '../source.ts';
import { USER_SCHEMAS } from './contents.ts';
import { codeOf, statementError } from './errors.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';

/** Statistics for every table of the database that the session is in. */
export async function analyzeDatabase(session: PostgresSession): Promise<void> {
  try {
    await session.query('ANALYZE');
  } catch (error) {
    throw statementError(error, 'cannot analyze what was restored', null);
  }
}

/**
 * Lets amcheck read every B-tree index, and hold it against its table. The extension is made for it, which takes a superuser:
 * the database is a scratch one, and everything that is compared has been compared by then.
 */
export async function examineDatabase(session: PostgresSession): Promise<Examination> {
  let schema: string;
  try {
    schema = await makeAmcheck(session);
  } catch (error) {
    return { kind: 'not run', why: `amcheck cannot be made: ${errorFields(error).message}` };
  }
  const indexes = await session.query(
    `SELECT c.oid, n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam
      WHERE c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid AND ${USER_SCHEMAS} ORDER BY 2`,
  );
  const findings: string[] = [];
  for (const { oid, name } of indexes) {
    const finding = await findingOf(session, schema, Number(oid));
    if (finding !== null) findings.push(`index ${String(name)}: ${finding}`);
  }
  if (findings.length > 0) return { kind: 'damaged', findings };
  return {
    kind: 'sound',
    what: `${indexes.length} ${indexes.length === 1 ? 'index' : 'indexes'} sound by amcheck`,
  };
}

const OWN_SCHEMA = 'holdfast_examination';

/** The schema of the extension, ready to stand in a statement. */
async function makeAmcheck(session: PostgresSession): Promise<string> {
  const [there] = await session.query(
    `SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'amcheck'`,
  );
  if (there !== undefined) return quoteIdentifier(String(there.schema));
  await session.query(`CREATE SCHEMA IF NOT EXISTS ${OWN_SCHEMA}`);
  await session.query(`CREATE EXTENSION amcheck SCHEMA ${OWN_SCHEMA}`);
  return OWN_SCHEMA;
}

/** data_corrupted, index_corrupted */
const DAMAGE = ['XX001', 'XX002'];

async function findingOf(session: PostgresSession, schema: string, index: number): Promise<string | null> {
  try {
    await session.query(`SELECT ${schema}.bt_index_check($1::oid::regclass, true)`, [index]);
    return null;
  } catch (error) {
    if (DAMAGE.includes(codeOf(error))) return errorFields(error).message;
    throw statementError(error, 'amcheck could not read an index of what was restored', null);
  }
}
