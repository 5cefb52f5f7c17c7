import type { PostgresSourceConfig } from '../../../config/config.ts';
import { systemClock, utc } from '../../../core/clock.ts';
import { schemaIn, schemaPrefix } from '../../../proof/of-schema.ts';
import type { Proof, ProofOutcome } from '../../../proof/proof.ts';
import { extentOf, orTrouble, summary } from '../proof/beside-dump.ts';
import { joinCounters, readCounters, type Counter } from '../proof/counters.ts';
import { oidsOf, type LeftOut } from '../proof/left-out.ts';
import { readNeeded, readObjectsOf } from '../proof/objects.ts';
import { sessionFailure } from '../proof/session-failure.ts';
import { beginSteps, readInOneWay, step } from '../proof/snapshot.ts';
import { createTableReader } from '../proof/table-reader.ts';
import { listTables, methodOf } from '../proof/tables.ts';
import { quoteLiteral } from '../names.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { readNeeds, type Needs } from './needs.ts';

export interface SchemaProofs {
  config: PostgresSourceConfig;
  caFile: string;
  /** The snapshot that the dumps are of. */
  snapshot: string;
  leftOut: LeftOut;
}

/** Longer than a backup may take, which is for the job to say. */
const TIMEOUT_MS = 24 * 3600_000;

/** A session in the snapshot of the dumps, for what is read of some schemas. */
export function inSnapshot<T>(
  { config, caFile, snapshot }: SchemaProofs,
  signal: AbortSignal,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  return withPostgresSession(config, { signal, caFile, timeoutMs: TIMEOUT_MS }, async (session) => {
    await readInOneWay(session);
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`);
    await beginSteps(session);
    return work(session);
  });
}

/** Counters as they stand before a dump begins: sequences obey no snapshot. */
export async function countersBefore(
  session: PostgresSession,
  { leftOut }: SchemaProofs,
  schemas: string[],
): Promise<Counter[]> {
  return readCounters(session, await oidsOf(session, leftOut.relations), schemas);
}

/**
 * The proof of each of some schemas, read when their dump has ended, with what they need outside of themselves, which their dumps have not. What
 * cannot be read of one takes that one's proof its word alone.
 */
export async function proveSchemas(
  session: PostgresSession,
  { config, leftOut }: SchemaProofs,
  { schemas, before, needs }: { schemas: string[]; before: Counter[]; needs: Map<string, Needs> },
): Promise<Map<string, Proof>> {
  const relations = await oidsOf(session, leftOut.relations);
  const withoutRows = await oidsOf(session, leftOut.rows);
  const ofSchema = new Map<string, Parts>();
  for (const schema of schemas)
    ofSchema.set(schemaPrefix(schema).slice(0, -1), { schema, troubles: [], ...emptyParts() });
  const objects = await readTogether(ofSchema, 'its objects', (some) =>
    readObjectsOf(session, some, { leftOut: relations }),
  );
  for (const object of objects) ofSchema.get(schemaOf(object))?.objects.push(object);
  const whole = await addNeeded(session, ofSchema, needs);
  const extent = extentOf(config);
  const tables = await listTables(session, [...relations, ...withoutRows], schemas);
  const readTable = createTableReader(
    session,
    tables.map((table) => ({ table, extent })),
  );
  for (const table of tables) {
    const parts = ofSchema.get(schemaIn(table.name));
    if (parts === undefined) continue;
    const proof = await orTrouble(parts.troubles, table.name, () => readTable(table));
    if (proof !== null) parts.tables.push(proof);
  }
  const after = await readTogether(ofSchema, 'its sequences', (some) =>
    readCounters(session, relations, some),
  );
  for (const counter of joinCounters(before, after))
    ofSchema.get(schemaIn(counter.name))?.counters.push(counter);
  const about = {
    version: 1 as const,
    engine: 'postgres' as const,
    serverVersion: session.version,
    database: config.database,
    takenAt: utc(systemClock.now()),
    level: config.proof === 'counts' ? ('counts' as const) : ('checksums' as const),
    method: await methodOf(session),
  };
  return new Map(
    [...ofSchema.values()].map(({ schema, troubles, tables, counters, objects: own }) => [
      schema,
      {
        ...{ ...about, unproven: summary(troubles), tables, counters, objects: own },
        ...(whole.has(schema) ? { withNeeds: true as const } : {}),
      },
    ]),
  );
}

/** The proof of one schema, for a dump of that alone, which may begin at `onBegun` and settles `dumped`. Never rejects. */
export async function proveOne(
  what: SchemaProofs,
  schema: string,
  { dumped, onBegun }: { dumped: Promise<unknown>; onBegun: () => void },
  signal: AbortSignal,
): Promise<ProofOutcome> {
  const failed = dumped.then(
    () => false,
    () => true,
  );
  try {
    return await inSnapshot(what, signal, async (session) => {
      const before = await countersBefore(session, what, [schema]);
      onBegun();
      if (await failed) return { proof: null, why: 'the dump failed' };
      // Where it fails, the proof says so, and everything else.
      const needs = await orTrouble([], schema, () => step(session, () => readNeeds(session, [schema])));
      const proof = (
        await proveSchemas(session, what, {
          schemas: [schema],
          before,
          needs: needs ?? new Map<string, Needs>(),
        })
      ).get(schema);
      return proof === undefined ? { proof: null, why: 'nothing was read' } : { proof, why: null };
    });
  } catch (error) {
    return { proof: null, why: sessionFailure(error) };
  }
}

/**
 * A restore holds it against what is there then. Returns the schemas of which it could be read. Where it cannot be read of all at once it is read of
 * each by itself: what was dropped of one's needs takes the others nothing.
 */
async function addNeeded(
  session: PostgresSession,
  ofSchema: Map<string, Parts>,
  needs: Map<string, Needs>,
): Promise<Set<string>> {
  const ofAll = [...ofSchema.values()];
  const wantedBy = ({ schema }: Parts) => needs.get(schema)?.objects ?? new Set<string>();
  const what = 'what it needs outside of itself';
  const together = await orTrouble([], what, () =>
    readNeeded(session, new Set(ofAll.flatMap((one) => [...wantedBy(one)]))),
  );
  const whole = new Set<string>();
  for (const parts of ofAll) {
    if (!needs.has(parts.schema)) {
      parts.troubles.push(`${what} could not be read`);
      continue;
    }
    const wanted = wantedBy(parts);
    const read = () => readNeeded(session, wanted);
    const found =
      together ??
      (wanted.size === 0 ? new Map<string, never>() : await orTrouble(parts.troubles, what, read));
    if (found === null) continue;
    whole.add(parts.schema);
    const needed = [...wanted].flatMap((one) => found.get(one) ?? []);
    parts.objects.push(
      ...needed.toSorted((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1)),
    );
  }
  return whole;
}

/** Of all schemas at once; where that fails, of each by itself: what was dropped under one takes no other its proof. */
async function readTogether<T>(
  ofSchema: Map<string, Parts>,
  what: string,
  read: (schemas: string | string[]) => Promise<T[]>,
): Promise<T[]> {
  const all = [...ofSchema.values()];
  const together = await orTrouble([], what, () => read(all.map(({ schema }) => schema)));
  if (together !== null) return together;
  const found: T[] = [];
  for (const { schema, troubles } of all)
    found.push(...((await orTrouble(troubles, what, () => read(schema))) ?? []));
  return found;
}

type Parts = { schema: string; troubles: string[] } & ReturnType<typeof emptyParts>;

function emptyParts(): Pick<Proof, 'tables' | 'counters' | 'objects'> {
  return { tables: [], counters: [], objects: [] };
}

/** A schema is named by its own name, which is written like the beginning of those in it. */
function schemaOf({ kind, name }: Proof['objects'][number]): string {
  return kind === 'schema' ? name : schemaIn(name);
}
