import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../core/errors.ts';
import type { ObjectProof } from '../../../proof/proof.ts';
import { ofSchema, USER_SCHEMAS, type OfSchemas } from '../contents.ts';
import type { PostgresSession } from '../session.ts';
import { canonicalExpression } from './canonical.ts';
import { OTHER_OBJECTS } from './other-objects.ts';
import { step } from './snapshot.ts';
import { TABLE_OBJECTS, type ObjectQuery } from './table-objects.ts';

/**
 * What a database holds beside rows and counters, each with the hash of a definition that is the same after a dump and a restore.
 * Without owners and rights, which a scratch database has not. What an extension brought is told by the extension. What is to be held against
 * the objects of `like` is hashed in an older form where they have it in that.
 */
export async function readObjects(
  session: PostgresSession,
  leftOut: string[],
  like: ObjectProof[] = [],
): Promise<ObjectProof[]> {
  const objects: ObjectProof[] = [];
  for (const query of ALL) objects.push(...(await readKind(session, query, { leftOut, schema: null, like })));
  return objects;
}

/** Those that stand in one schema or some, and the schemas; of these kinds alone where they are named. */
export async function readObjectsOf(
  session: PostgresSession,
  schema: string | string[],
  {
    kinds = null,
    leftOut = [],
    like = [],
  }: { kinds?: string[] | null; leftOut?: string[]; like?: ObjectProof[] } = {},
): Promise<ObjectProof[]> {
  const objects: ObjectProof[] = [];
  for (const query of ALL.filter(isInSchemas)) {
    if (kinds === null || kinds.includes(query.kind))
      objects.push(...(await readKind(session, query, { leftOut, schema, like })));
  }
  return objects;
}

/** The extensions of the database. */
export async function readExtensions(session: PostgresSession, like: ObjectProof[]): Promise<ObjectProof[]> {
  const query = ALL.find(({ kind }) => kind === 'extension');
  return query === undefined ? [] : readKind(session, query, { leftOut: [], schema: null, like });
}

/** Kinds that a schema may need of others and that one database may have otherwise than another. */
export const NEEDED_KINDS = ['extension', 'routine', 'aggregate', 'type'];

/** Extensions, routines and types among some objects, wherever they stand, by what they are called here: `catalog oid`. */
export async function readNeeded(
  session: PostgresSession,
  objects: Set<string>,
): Promise<Map<string, ObjectProof>> {
  const found = new Map<string, ObjectProof>();
  for (const query of ALL.filter(({ kind }) => NEEDED_KINDS.includes(kind))) {
    const catalog = CATALOGS[query.kind] ?? '';
    const oids = [...objects].filter((one) => one.startsWith(`${catalog} `)).map((one) => one.split(' ')[1]);
    if (oids.length === 0) continue;
    const sql = `${query.sql.replace(/^SELECT /, 'SELECT it.oid::text AS oid, ')} AND it.oid = ANY ('{${oids.join()}}'::oid[])`;
    for (const row of await ask(session, { ...query, sql }, { leftOut: [], schema: null, like: [] }))
      found.set(`${catalog} ${String(row.oid)}`, proofOf(query, row, new Set()));
  }
  return found;
}

/** The oids of their catalogs, which are the same on every server. */
const CATALOGS: Record<string, string> = {
  extension: '3079',
  routine: '1255',
  aggregate: '1255',
  type: '1247',
};

/** The definitions of what stands in one schema, as the hashes of a proof are made of them. */
export async function readDefinitionsOf(
  session: PostgresSession,
  schema: string,
): Promise<{ kind: string; name: string; text: string }[]> {
  const definitions = [];
  for (const query of ALL.filter(isInSchemas)) {
    const rows = await ask(session, query, { leftOut: [], schema, like: [] });
    for (const { name, facts, code } of rows) {
      const text = [facts, code].filter((part) => typeof part === 'string').join(' ');
      definitions.push({ kind: query.kind, name: String(name), text });
    }
  }
  return definitions;
}

const ALL = [...TABLE_OBJECTS, ...OTHER_OBJECTS];

interface Scope {
  leftOut: string[];
  schema: OfSchemas;
  like: ObjectProof[];
}

function isInSchemas({ sql }: ObjectQuery): boolean {
  return sql.includes(USER_SCHEMAS);
}

async function readKind(session: PostgresSession, query: ObjectQuery, scope: Scope): Promise<ObjectProof[]> {
  const rows = await ask(session, query, scope);
  const known = new Set(scope.like.filter(({ kind }) => kind === query.kind).map(keyOf));
  return rows.map((row) => proofOf(query, row, known)).sort(byName);
}

function ask(
  session: PostgresSession,
  { sql }: ObjectQuery,
  { leftOut, schema }: Scope,
): Promise<Record<string, unknown>[]> {
  const values = sql.includes('$1') ? [leftOut] : [];
  return step(session, () => session.query(ofSchema(sql, schema), values));
}

/** In the older form where `known` has it in that. */
function proofOf(
  { kind, coded }: ObjectQuery,
  row: Record<string, unknown>,
  known: Set<string>,
): ObjectProof {
  const name = String(row.name);
  if (coded === true && typeof row.code !== 'string') {
    throw new HoldfastError('failed', `${kind} ${name} was dropped while it was read`);
  }
  const code = typeof row.code === 'string' ? canonicalExpression(row.code) : null;
  const hashOf = (facts: unknown) =>
    createHash('sha256')
      .update(JSON.stringify([facts, code]))
      .digest('hex');
  const version = typeof row.version === 'string' ? { version: row.version } : {};
  const older = row.before === undefined ? null : { kind, name, hash: hashOf(row.before) };
  if (older !== null && known.has(keyOf(older))) return { ...older, ...version };
  return { kind, name, hash: hashOf(row.facts), ...version };
}

function keyOf({ name, hash }: Pick<ObjectProof, 'name' | 'hash'>): string {
  return `${name}\0${hash}`;
}

function byName(a: ObjectProof, b: ObjectProof): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
