import type { ObjectProof, Proof } from '../../../proof/proof.ts';
import { isDatabase, quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import {
  collectDefinitions,
  withoutDatabase,
  withoutDefaults,
  withoutEnd,
  withoutJoinGroups,
  withoutMb3,
  withoutWidth,
  withPlainLiterals,
  type Definitions,
} from './canonical.ts';
import { readProgramDefinitions } from './programs.ts';
import { LISTINGS, type Listing } from './listings.ts';
import type { LeftOut } from './left-out.ts';

/**
 * All objects of a database with a hash of what a dump and a restore keep of each: no definers, no rights, no counters,
 * no name of the database. A handful of queries, however many tables there are. `like` is the proof that it is held against.
 */
export async function readObjects(
  session: MysqlSession,
  database: string,
  leftOut: LeftOut,
  like?: Pick<Proof, 'database' | 'objects'>,
): Promise<ObjectProof[]> {
  const definitions = collectDefinitions(like?.objects);
  const columns = await knownColumns(session);
  const views = await readViews(session, database, leftOut, definitions);
  const sequences = await readSequences(session, database, leftOut, definitions);
  // Columns of views and of sequences follow from what they are.
  const skipped = new Set([...leftOut.names, ...views, ...sequences]);
  for (const listing of LISTINGS) {
    await readListing(session, database, {
      listing,
      known: columns,
      skipped,
      definitions,
      original: like?.database ?? database,
    });
  }
  await readProgramDefinitions(session, database, leftOut, definitions);
  return definitions.hashed();
}

/** Which columns this server's information_schema has: releases differ. */
async function knownColumns(session: MysqlSession): Promise<Set<string>> {
  const rows = await session.query(
    "SELECT table_name AS tab, column_name AS name FROM information_schema.columns WHERE table_schema = 'information_schema'",
  );
  return new Set(rows.map(({ tab, name }) => `${String(tab)}.${String(name)}`.toLowerCase()));
}

async function readListing(
  session: MysqlSession,
  database: string,
  to: {
    listing: Listing;
    known: Set<string>;
    skipped: Set<string>;
    definitions: Definitions;
    original: string;
  },
): Promise<void> {
  const { listing, known } = to;
  const named = [...listing.name, ...listing.order];
  const has = (field: string) => known.has(`${listing.from}.${field}`);
  if (!named.every(has) || (listing.unless !== undefined && has(listing.unless))) return;
  const fields = listing.fields.filter(has);
  const columns = [...new Set([...named, ...fields])].map((field) => `${field} AS ${field}`);
  const rows = await session.query(
    `SELECT ${columns.join(', ')} FROM information_schema.${listing.from}
      WHERE ${isDatabase(listing.schema, database)} ${listing.where === undefined ? '' : `AND ${listing.where}`}
      ORDER BY ${[...listing.name, ...listing.order].join(', ')}`,
  );
  for (const row of rows) {
    if (listing.ofTable && to.skipped.has(String(row[listing.name[0] ?? '']))) continue;
    const name = listing.name.map((field) => String(row[field])).join('.');
    const told = (other?: string) => fields.map((field) => valueOf(field, row[field], database, other));
    const values = listing.fields.map((field) =>
      has(field) ? inAnyRelease(session, field, valueOf(field, row[field], database)) : null,
    );
    const older = [told(to.original), told()].map((form) => [listing.from, ...form]);
    to.definitions.add(listing.kind, name, [listing.from, ...values], ...older);
  }
}

/** What releases that lack the column do without being asked. */
const USUAL: Record<string, string> = { ignored: 'NO', is_visible: 'YES', enforced: 'YES' };

/** A column's value so that what says nothing is null, as where a release does not have it, and what has two names has one. */
function inAnyRelease({ flavour }: MysqlSession, field: string, value: unknown): unknown {
  if (value === USUAL[field]) return null;
  if (/character_set_name$|collation(?:_name)?$/.test(field)) return withoutMb3(value);
  return field === 'column_type' && flavour === 'mysql' ? withoutWidth(value) : value;
}

const EXPRESSIONS = new Set(['generation_expression', 'check_clause', 'expression', 'column_default']);

/** A default of MariaDB that draws from a sequence, which it tells together with its database. */
const DRAWS = /\b(?:nextval|lastval|setval)\(`/;

/** `other`: what is said in place of the database's name where a default has it. */
function valueOf(field: string, value: unknown, database: string, other?: string): unknown {
  if (EXPRESSIONS.has(field) && typeof value === 'string')
    return withPlainLiterals(DRAWS.test(value) ? withoutDatabase(value, database, other) : value);
  if (field === 'create_options') return withoutDefaults(value);
  // What refers to the database itself refers to the copy when it is restored elsewhere.
  return field.endsWith('_schema') && value === database ? null : value;
}

async function readViews(
  session: MysqlSession,
  database: string,
  leftOut: LeftOut,
  definitions: Definitions,
): Promise<string[]> {
  const rows = await session.query(
    `SELECT table_name AS name, view_definition AS definition, check_option AS checks, security_type AS security,
      character_set_client AS client, collation_connection AS collation
      FROM information_schema.views WHERE ${isDatabase('table_schema', database)}`,
  );
  for (const { name, definition, checks, security, client, collation } of rows) {
    if (leftOut.names.has(String(name))) continue;
    const text = withoutDatabase(withoutEnd(definition), database);
    const rest = [checks, security, client, collation];
    definitions.add('view', String(name), [withoutJoinGroups(text), ...rest], [text, ...rest]);
  }
  return rows.map(({ name }) => String(name));
}

/** MariaDB's: tables of one row. */
async function readSequences(
  session: MysqlSession,
  database: string,
  leftOut: LeftOut,
  definitions: Definitions,
): Promise<string[]> {
  const names = await listSequences(session, database);
  for (const name of names) {
    if (leftOut.names.has(name)) continue;
    const [row] = await session.query(
      `SELECT start_value, minimum_value, maximum_value, increment, cache_size, cycle_option
        FROM ${quoteName(database)}.${quoteName(name)}`,
    );
    definitions.add('sequence', name, Object.values(row ?? {}));
  }
  return names;
}

export async function listSequences(session: MysqlSession, database: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE ${isDatabase('table_schema', database)} AND table_type = 'SEQUENCE'`,
  );
  return rows.map(({ name }) => String(name));
}
