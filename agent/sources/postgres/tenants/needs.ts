import { HoldfastError } from '../../../core/errors.ts';
import { compareObjects } from '../../../proof/compare-objects.ts';
import type { ObjectProof, Proof } from '../../../proof/proof.ts';
import { schemaIn, schemaPrefix, unquoted } from '../../../proof/of-schema.ts';
import { serverName } from '../../../proof/release.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { quoteIdentifier } from '../names.ts';
import { NEEDED_KINDS, readExtensions, readObjectsOf } from '../proof/objects.ts';
import type { PostgresSession } from '../session.ts';
import { readBack } from './read-back.ts';

/**
 * Holds what a schema needs outside of itself against the database: returns what is missing there and can be made, and as `warnings` what is
 * there of which nobody can tell that it is what it was. Throws `restore_failed` that names what is there and is not what it was, and tables
 * that are missing, whose rows are not the tenant's.
 */
export async function missingNeeds(
  session: PostgresSession,
  needed: WholeEntry[],
  proof: Proof | null,
): Promise<{ missing: WholeEntry[]; warnings: string[] }> {
  const missing: WholeEntry[] = [];
  const present: WholeEntry[] = [];
  for (const entry of needed) {
    const there = await isThere(session, entry);
    if (there === false) missing.push(entry);
    if (there === true) present.push(entry);
  }
  const lost = missing.find(({ kind }) => RELATIONS.has(kind));
  if (lost !== undefined) throw refusal(`needs ${told(lost)}, which is not there`, 'Restore that first');
  return { missing, warnings: proof === null ? [] : await requireSame(session, present, proof) };
}

/** Their rows belong to all tenants: a restore of one makes none of them. */
const RELATIONS = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'FOREIGN TABLE']);

/** Null for what comes with something else, and for what the server itself will name where it is missing. */
async function isThere(session: PostgresSession, { kind, schema, tag }: WholeEntry): Promise<boolean | null> {
  const exists = async (sql: string, values: unknown[]) => {
    const [row] = await session.query(`SELECT EXISTS (${sql}) AS there`, values);
    return row?.there === true;
  };
  if (kind === 'EXTENSION') return exists('SELECT FROM pg_extension WHERE extname = $1', [tag]);
  if (kind === 'SCHEMA') return exists('SELECT FROM pg_namespace WHERE nspname = $1', [tag]);
  if (RELATIONS.has(kind)) {
    const sql = 'SELECT FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = $2';
    return exists(sql, [quoteIdentifier(schema), tag]);
  }
  if (kind === 'TYPE' || kind === 'DOMAIN') {
    const sql = 'SELECT FROM pg_type WHERE typnamespace = to_regnamespace($1) AND typname = $2';
    return exists(sql, [quoteIdentifier(schema), tag]);
  }
  if (kind in ROUTINES) {
    const name = nameOfRoutine(tag);
    const sql = 'SELECT WHERE to_regprocedure($1) IS NOT NULL';
    const place = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}${tag.slice(name.length)}`;
    return exists(sql, [place]);
  }
  return null;
}

/** Kinds of an archive, and what a proof calls them. */
const ROUTINES: Record<string, string> = {
  FUNCTION: 'routine',
  PROCEDURE: 'routine',
  AGGREGATE: 'aggregate',
};
const TYPES: Record<string, string> = { TYPE: 'type', DOMAIN: 'type' };

/** Of `touch(integer, text)`. */
function nameOfRoutine(tag: string): string {
  return tag.slice(0, Math.max(0, tag.indexOf('(')));
}

/** Another version of an extension is no other extension, and another release may write a definition in other words: both are told. */
async function requireSame(session: PostgresSession, present: WholeEntry[], proof: Proof): Promise<string[]> {
  const compared = present.filter(isCompared);
  const schemas = [...new Set(compared.map(({ schema }) => schema))].filter((schema) => schema !== '');
  const now = await readNow(session, schemas, proof.objects);
  const here = { ...proof, serverVersion: session.version };
  const findings = compared.map((entry) => ({
    entry,
    ...compareNeeded({ ...proof, objects: of(entry, proof.objects) }, { ...here, objects: of(entry, now) }),
  }));
  const other = findings.find(({ isOther }) => isOther);
  if (other !== undefined) {
    throw refusal(
      `needs ${told(other.entry)}, which is not what it was when the backup was made`,
      'Give it back the definition that it had',
    );
  }
  return findings.flatMap(({ warnings }) => warnings);
}

/** What the proof knows must be there as it was; overloads that came later change nothing. What it does not know cannot be compared. */
function compareNeeded(before: Proof, now: Proof): { isOther: boolean; warnings: string[] } {
  const { differences, unlike, otherVersions } = compareObjects(before, now);
  const isOther = before.objects.length === 0 || differences.some(({ kind }) => kind !== 'object_extra');
  const words = `may be defined otherwise than in the backup: ${serverName(now)} and ${serverName(before)} may write the same in other words`;
  return {
    isOther,
    warnings: [...otherVersions, ...unlike.map((one) => `${one}, which the schema needs, ${words}`)],
  };
}

function isCompared({ kind }: WholeEntry): boolean {
  return kind === 'EXTENSION' || kind in ROUTINES || kind in TYPES;
}

function readNow(session: PostgresSession, schemas: string[], like: ObjectProof[]): Promise<ObjectProof[]> {
  return readBack(session, async () => {
    const found = await readExtensions(session, like);
    for (const schema of schemas)
      found.push(...(await readObjectsOf(session, schema, { kinds: NEEDED_KINDS, like })));
    return found;
  });
}

/** The same-named of its kind: a routine stands there once for each signature. */
function of({ kind, schema, tag }: WholeEntry, objects: ObjectProof[]): ObjectProof[] {
  const routine = ROUTINES[kind];
  const name =
    routine === undefined ? null : `${schemaPrefix(schema)}${schemaPrefix(nameOfRoutine(tag)).slice(0, -1)}(`;
  const isIt = (object: ObjectProof) => {
    if (name !== null) return object.kind === routine && object.name.startsWith(name);
    if (kind === 'EXTENSION')
      return object.kind === 'extension' && object.name === schemaPrefix(tag).slice(0, -1);
    return (
      object.kind === TYPES[kind] &&
      object.name === `${schemaPrefix(schema)}${schemaPrefix(tag).slice(0, -1)}`
    );
  };
  return objects.filter(isIt);
}

/** Of what the prelude of a schema's own dump makes, what is missing: extensions, types and functions, and schemas for these. */
export async function missingOfPrelude(
  session: PostgresSession,
  entries: WholeEntry[],
): Promise<WholeEntry[]> {
  const missing: WholeEntry[] = [];
  for (const entry of entries.filter(({ kind }) => !RELATIONS.has(kind)))
    if ((await isThere(session, entry)) === false) missing.push(entry);
  return missing;
}

/**
 * Holds what the proof of a schema's own dump says of outside of it against what is there, in the transaction that has made what was missing.
 * Throws `restore_failed` that names what is not what it was; returns, as sentence parts, what could not be compared.
 */
export async function requireRecorded(
  session: PostgresSession,
  schema: string,
  { proof, prelude }: { proof: Proof; prelude: WholeEntry[] | null },
): Promise<string[]> {
  const before = recorded(proof, schema);
  if (before.length === 0) return proof.withNeeds === true ? [] : notRecorded(prelude);
  const now = await readRecorded(session, before);
  const here = { ...proof, serverVersion: session.version };
  const isIt = (object: ObjectProof) => (other: ObjectProof) =>
    other.kind === object.kind && other.name === object.name;
  // An extension that was made just now has the version of the server's files, which nobody can choose afterwards: that is told as well.
  const warnings: string[] = [];
  for (const object of before.filter((one, at) => before.findIndex(isIt(one)) === at)) {
    const [was, is] = [before.filter(isIt(object)), now.filter(isIt(object))];
    const what = `needs ${object.kind} ${object.name}, which is not `;
    if (is.length === 0 && !(await hasOtherNames(session, object, prelude ?? [])))
      throw refusal(`${what}there`, 'Restore that first');
    const compared = compareNeeded({ ...proof, objects: was }, { ...here, objects: is });
    if (compared.isOther)
      throw refusal(`${what}what it was when the backup was made`, 'Give it back the definition that it had');
    warnings.push(...compared.warnings);
  }
  return warnings;
}

/** A routine is recorded with its arguments' names, and is there by their types, which the prelude knows. */
async function hasOtherNames(
  session: PostgresSession,
  object: ObjectProof,
  prelude: WholeEntry[],
): Promise<boolean> {
  for (const entry of prelude.filter(({ kind }) => kind in ROUTINES))
    if (of(entry, [object]).length > 0 && (await isThere(session, entry)) === true) return true;
  return false;
}

/** Whether all that a schema's own proof says of outside of it is there, as it was or not. */
export async function allThere(session: PostgresSession, schema: string, proof: Proof): Promise<boolean> {
  const before = recorded(proof, schema);
  if (before.length === 0) return true;
  const now = await readRecorded(session, before);
  return before.every((object) => now.some(({ kind, name }) => kind === object.kind && name === object.name));
}

function recorded({ objects }: Proof, schema: string): ObjectProof[] {
  const isOwn = ({ kind, name }: ObjectProof) =>
    kind !== 'extension' && name.startsWith(schemaPrefix(schema));
  return objects.filter((object) => NEEDED_KINDS.includes(object.kind) && !isOwn(object));
}

function readRecorded(session: PostgresSession, before: ObjectProof[]): Promise<ObjectProof[]> {
  const inSchemas = before.filter(({ kind }) => kind !== 'extension');
  const schemas = [...new Set(inSchemas.map(({ name }) => unquoted(schemaIn(name))))];
  return readNow(session, schemas, before);
}

/** Of dumps that were made before proofs said it. */
function notRecorded(prelude: WholeEntry[] | null): string[] {
  const why = 'this dump does not say what it was: a new one does';
  if (prelude === null)
    return [`what the schema needs outside of it was not compared: its prelude is gone, and ${why}`];
  const [first, ...more] = prelude.filter(isCompared);
  if (first === undefined) return [];
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return [`${told(first)}${others}, which the schema needs, was not compared: ${why}`];
}

export function told({ kind, schema, tag }: WholeEntry): string {
  return `${kind.toLowerCase()} ${schema === '' ? '' : `${schema}.`}${tag}`;
}

function refusal(what: string, first: string): HoldfastError {
  return new HoldfastError('restore_failed', `the schema ${what}; nothing was changed`, {
    hint: `${first}, or restore the whole database beside this one with --to NAME and take from there what is wanted.`,
  });
}
