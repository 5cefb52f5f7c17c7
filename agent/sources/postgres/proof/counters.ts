import type { Proof } from '../../../proof/proof.ts';
import { CONFIGURATION, notOfExtension, ofSchema, USER_SCHEMAS, type OfSchemas } from '../contents.ts';
import { quoteIdentifier, quoteLiteral } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { named } from './names.ts';
import { step } from './snapshot.ts';

export type Counter = Proof['counters'][number];

/** Sequences that are read by one statement: each takes a lock until its end. */
const BATCH = 100;

/** The value that each sequence gives next. It is that of now: sequences obey no snapshot. */
export async function readCounters(
  session: PostgresSession,
  leftOut: string[],
  schemas: OfSchemas = null,
): Promise<Counter[]> {
  return readEach(session, await session.query(ofSchema(SEQUENCES, schemas), [leftOut]));
}

/** As `like` reads them: a sequence of an extension that it does not name is left out, because older proofs name none. */
export async function readCountersLike(
  session: PostgresSession,
  like: Pick<Proof, 'counters'> | null,
  schemas: OfSchemas = null,
): Promise<Counter[]> {
  const named = like === null ? null : new Set(like.counters.map(({ name }) => name));
  const sequences = await session.query(ofSchema(SEQUENCES, schemas), [[]]);
  return readEach(
    session,
    sequences.filter(({ extension, name }) => extension !== true || named?.has(String(name)) !== false),
  );
}

async function readEach(session: PostgresSession, sequences: Record<string, unknown>[]): Promise<Counter[]> {
  const counters: Counter[] = [];
  for (let i = 0; i < sequences.length; i += BATCH) {
    const reads = sequences.slice(i, i + BATCH).map(readOne);
    const rows = await step(session, () => session.query(reads.join(' UNION ALL ')));
    counters.push(...rows.map(({ name, value }) => ({ name: String(name), value: String(value) })));
  }
  return counters;
}

const SEQUENCES = `SELECT ${named('n.nspname', 'c.relname')} AS name, n.nspname AS schema, c.relname AS sequence, s.seqincrement AS increment, g.oid IS NOT NULL AS extension
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN ${CONFIGURATION} g ON g.oid = c.oid
    WHERE c.relpersistence <> 't' AND ${USER_SCHEMAS} AND (g.oid IS NOT NULL OR ${notOfExtension('pg_class', 'c.oid')}) AND c.oid <> ALL ($1::oid[])
      AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
    ORDER BY n.nspname, c.relname`;

/** Both readings in one: what did not move is exact, of the others the dump has something between the two. */
export function joinCounters(before: Counter[], after: Counter[]): Counter[] {
  const later = new Map(after.map(({ name, value }) => [name, value]));
  return before.map(({ name, value }) => {
    const until = later.get(name);
    return until === undefined || until === value ? { name, value } : { name, value, until };
  });
}

/** As numeric: the last value of all has none behind it in bigint. */
function readOne(row: Record<string, unknown>): string {
  const place = `${quoteIdentifier(String(row.schema))}.${quoteIdentifier(String(row.sequence))}`;
  const next = `last_value::numeric + CASE WHEN is_called THEN ${String(row.increment)} ELSE 0 END`;
  return `SELECT ${quoteLiteral(String(row.name))} AS name, ${next} AS value FROM ${place}`;
}
