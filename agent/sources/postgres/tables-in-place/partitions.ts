import { HoldfastError } from '../../../core/errors.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import type { Tie } from './tie.ts';

/**
 * How tables that are to be replaced become partitions again of parents that stay: as they are in the database, for that is to stay as it is;
 * one that is not there, as it was in the dump. A parent that is replaced too says itself which partitions it has.
 */
export async function partitionTies(
  session: PostgresSession,
  tables: WholeEntry[],
  all: WholeEntry[],
): Promise<{ ties: Tie[]; notes: string[] }> {
  const there = await readPlaces(session, tables);
  const chosen = new Set(tables.map(({ id }) => id));
  const found: { ties: Tie[]; notes: string[] } = { ties: [], notes: [] };
  for (const table of tables) {
    const place = there.get(nameOf(table));
    const dumped = attachmentIn(all, table);
    const what = `${nameOf(table)} as a partition of`;
    if (place?.parent != null && !tables.some((one) => nameOf(one) === place.parent)) {
      if (dumped !== null && chosen.has(dumped.parent.id))
        throw twoParents(table, place.parent, dumped.parent);
      const statement = `ALTER TABLE ${place.address} ATTACH PARTITION ${addressOf(table)} ${place.bound}`;
      found.ties.push({ statement, what: `${what} ${place.parent}` });
    } else if (dumped !== null && !chosen.has(dumped.parent.id)) {
      const parent = nameOf(dumped.parent);
      const isParted = place === undefined && (await hasPartitions(session, dumped.parent));
      if (isParted) found.ties.push({ statement: dumped.statement, what: `${what} ${parent}` });
      else found.notes.push(aloneWords(table, parent, place !== undefined));
    }
  }
  return { ...found, notes: [...found.notes, ...(await lostPartitions(session, tables))] };
}

interface Place {
  /** As names of a dump are written; null for none. */
  parent: string | null;
  /** The parent's, in a statement. */
  address: string;
  /** `FOR VALUES …` or `DEFAULT` */
  bound: string;
}

/** Of those that are there, by name. */
async function readPlaces(session: PostgresSession, tables: WholeEntry[]): Promise<Map<string, Place>> {
  const rows = await session.query(
    `SELECT n.nspname || '.' || c.relname AS name, pn.nspname || '.' || p.relname AS parent,
        quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS address, pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM ${OF_TABLES}
        LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
        LEFT JOIN pg_class p ON p.oid = h.inhparent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace`,
    namesOf(tables),
  );
  return new Map(
    rows.map(({ name, parent, address, bound }) => [
      String(name),
      {
        parent: typeof parent === 'string' ? parent : null,
        address: String(address),
        bound: String(bound),
      },
    ]),
  );
}

/** The relations `c`, in their schemas `n`, that `namesOf` names. */
export const OF_TABLES = `unnest($1::text[], $2::text[]) w (schema, name)
  JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name`;

export function namesOf(tables: WholeEntry[]): unknown[] {
  return [tables.map(({ schema }) => schema), tables.map(({ tag }) => tag)];
}

/** Partitions that go with their parents, and that nothing brings back. */
async function lostPartitions(session: PostgresSession, tables: WholeEntry[]): Promise<string[]> {
  const rows = await session.query(
    `WITH RECURSIVE below AS (
        SELECT c.oid FROM ${OF_TABLES}
        UNION SELECT h.inhrelid FROM pg_inherits h JOIN below b ON b.oid = h.inhparent JOIN pg_class x ON x.oid = h.inhrelid AND x.relispartition)
      SELECT n.nspname || '.' || c.relname AS name FROM below b JOIN pg_class c ON c.oid = b.oid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'f') ORDER BY 1`,
    namesOf(tables),
  );
  const kept = new Set(tables.map(nameOf));
  const lost = rows.map(({ name }) => String(name)).filter((name) => !kept.has(name));
  if (lost.length === 0) return [];
  return [`partitions that the backup does not have went with their parents: ${lost.join(', ')}`];
}

/** The statement of the dump that makes it a partition; null where it is none. */
function attachmentIn(
  all: WholeEntry[],
  table: WholeEntry,
): { parent: WholeEntry; statement: string } | null {
  const attach = all.find(
    ({ kind, schema, tag, dependencies }) =>
      kind === 'TABLE ATTACH' &&
      schema === table.schema &&
      tag === table.tag &&
      dependencies.includes(table.id),
  );
  const parent = all.find(
    ({ id, kind }) => kind === 'TABLE' && id !== table.id && attach?.dependencies.includes(id),
  );
  return attach === undefined || parent === undefined ? null : { parent, statement: attach.definition };
}

async function hasPartitions(session: PostgresSession, parent: WholeEntry): Promise<boolean> {
  const rows = await session.query(`SELECT FROM ${OF_TABLES} WHERE c.relkind = 'p'`, namesOf([parent]));
  return rows.length > 0;
}

function aloneWords(table: WholeEntry, parent: string, isThere: boolean): string {
  const why = isThere ? 'as before' : `for ${parent} is there no more`;
  return `${nameOf(table)} is no partition, ${why}; in the backup it is one of ${parent}`;
}

function twoParents(table: WholeEntry, now: string, parent: WholeEntry): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    `${nameOf(table)} is a partition of ${now} now, and of ${nameOf(parent)} in the backup; nothing was changed`,
    { hint: `Name ${now} too, or restore the tables beside with --to, and copy the rows.` },
  );
}

export function nameOf({ schema, tag }: Pick<WholeEntry, 'schema' | 'tag'>): string {
  return `${schema}.${tag}`;
}

export function addressOf({ schema, tag }: Pick<WholeEntry, 'schema' | 'tag'>): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(tag)}`;
}
