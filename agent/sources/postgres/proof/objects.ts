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
 * Without owners and rights, which a scratch database has not. What an extension brought is told by the extension.
 */
export async function readObjects(session: PostgresSession, leftOut: string[]): Promise<ObjectProof[]> {
  const objects: ObjectProof[] = [];
  for (const query of ALL) objects.push(...(await readKind(session, query, { leftOut, schema: null })));
  return objects;
}

/** Those that stand in one schema or some, and the schemas; of these kinds alone where they are named. */
export async function readObjectsOf(
  session: PostgresSession,
  schema: string | string[],
  kinds: string[] | null = null,
  leftOut: string[] = [],
): Promise<ObjectProof[]> {
  const objects: ObjectProof[] = [];
  for (const query of ALL.filter(isInSchemas)) {
    if (kinds === null || kinds.includes(query.kind))
      objects.push(...(await readKind(session, query, { leftOut, schema })));
  }
  return objects;
}

/** The extensions of the database. */
export async function readExtensions(session: PostgresSession): Promise<ObjectProof[]> {
  const query = ALL.find(({ kind }) => kind === 'extension');
  return query === undefined ? [] : readKind(session, query, { leftOut: [], schema: null });
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
    for (const row of await ask(session, { ...query, sql }, { leftOut: [], schema: null }))
      found.set(`${catalog} ${String(row.oid)}`, proofOf(query, row));
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
    const rows = await ask(session, query, { leftOut: [], schema });
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
}

function isInSchemas({ sql }: ObjectQuery): boolean {
  return sql.includes(USER_SCHEMAS);
}

async function readKind(session: PostgresSession, query: ObjectQuery, scope: Scope): Promise<ObjectProof[]> {
  const rows = await ask(session, query, scope);
  return rows.map((row) => proofOf(query, row)).sort(byName);
}

function ask(
  session: PostgresSession,
  { sql }: ObjectQuery,
  { leftOut, schema }: Scope,
): Promise<Record<string, unknown>[]> {
  const values = sql.includes('$1') ? [leftOut] : [];
  return step(session, () => session.query(ofSchema(sql, schema), values));
}

function proofOf({ kind, coded }: ObjectQuery, row: Record<string, unknown>): ObjectProof {
  const name = String(row.name);
  if (coded === true && typeof row.code !== 'string') {
    throw new HoldfastError('failed', `${kind} ${name} was dropped while it was read`);
  }
  const code = typeof row.code === 'string' ? canonicalExpression(row.code) : null;
  const hash = createHash('sha256').update(JSON.stringify([row.facts, code]));
  return { kind, name, hash: hash.digest('hex') };
}

function byName(a: ObjectProof, b: ObjectProof): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
