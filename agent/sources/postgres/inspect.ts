import { notOfExtension, readPostgresContents, USER_SCHEMAS } from './contents.ts';
import { HoldfastError } from '../../core/errors.ts';
import { statementError } from './errors.ts';
import { quoteIdentifier } from './names.ts';
import type { PostgresSession } from './session.ts';
import type { Inventory } from '../source.ts';

/** Exact counts of all schemas, all tables at one moment. Tables are named `schema.table`; parents of partitions are left to their parts. */
export async function inspectDatabase(session: PostgresSession, database: string): Promise<Inventory> {
  try {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const inventory = await inspectWithin(session);
    await session.query('COMMIT');
    return inventory;
  } catch (error) {
    const told = statementError(error, `cannot count the rows of ${database}`, null);
    if (told.kind !== 'rights_missing') throw told;
    throw new HoldfastError('source_denied', told.message, { cause: error });
  }
}

/** In the transaction that the session is in. */
export async function inspectWithin(session: PostgresSession): Promise<Inventory> {
  // Rows that a policy hides must be an error, not a smaller number.
  await session.query('SET LOCAL row_security = off');
  const { tables } = await readPostgresContents(session);
  const counted: Inventory['tables'] = [];
  for (const { schema, name } of tables) {
    const [row] = await session.query(
      `SELECT count(*) AS n FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
    );
    counted.push({ name: `${schema}.${name}`, rows: Number(row?.n) });
  }
  return { tables: counted, ...(await countObjects(session)) };
}

async function countObjects(session: PostgresSession): Promise<Omit<Inventory, 'tables'>> {
  const [row] = await session.query(
    `SELECT
      (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('v', 'm') AND ${USER_SCHEMAS} AND ${notOfExtension('pg_class', 'c.oid')}) AS views,
      (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE ${USER_SCHEMAS} AND ${notOfExtension('pg_proc', 'p.oid')}) AS routines,
      (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) AS triggers,
      (SELECT count(*) FROM pg_event_trigger t WHERE ${notOfExtension('pg_event_trigger', 't.oid')}) AS events`,
  );
  return {
    views: Number(row?.views),
    routines: Number(row?.routines),
    triggers: Number(row?.triggers),
    events: Number(row?.events),
  };
}
