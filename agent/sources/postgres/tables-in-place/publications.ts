import { HoldfastError } from '../../../core/errors.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { nameOf, namesOf, OF_TABLES } from './partitions.ts';
import type { Tie } from './tie.ts';

/**
 * How tables that are to be replaced come back into the publications that name them: as they are in the database; one that is not there, as in
 * the dump, where there is such a publication. Those of all tables, or of a schema, need nothing.
 */
export async function publicationTies(
  session: PostgresSession,
  tables: WholeEntry[],
  all: WholeEntry[],
): Promise<Tie[]> {
  const there = await session.query(
    `SELECT n.nspname || '.' || c.relname AS name FROM ${OF_TABLES}`,
    namesOf(tables),
  );
  const kept = new Set(there.map(({ name }) => String(name)));
  const now = await session.query(members(session.major >= 15 ? COLUMNS_AND_CONDITION : ''), namesOf(tables));
  const gone = tables.filter((table) => !kept.has(nameOf(table)));
  return [
    ...now.map(({ statement, publication, name }) => ({
      statement: String(statement),
      what: `${String(name)} in the publication ${String(publication)}`,
    })),
    ...(await dumpedTies(session, gone, all)),
  ];
}

/** `more`: what follows the table's name in the statement. */
const members = (more: string) => `SELECT p.pubname AS publication, n.nspname || '.' || c.relname AS name,
    format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', p.pubname, n.nspname, c.relname)${more} AS statement
  FROM ${OF_TABLES} JOIN pg_publication_rel r ON r.prrelid = c.oid JOIN pg_publication p ON p.oid = r.prpubid ORDER BY 1, 2`;

/** From 15 on. */
const COLUMNS_AND_CONDITION = `
      || coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs::int2[])) || ')', '')
      || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '')`;

async function dumpedTies(session: PostgresSession, gone: WholeEntry[], all: WholeEntry[]): Promise<Tie[]> {
  const ids = new Map(gone.map((table) => [table.id, table]));
  const publications = new Map(
    all.filter(({ kind }) => kind === 'PUBLICATION').map(({ id, tag }) => [id, tag]),
  );
  const there = await session.query('SELECT pubname AS name FROM pg_publication WHERE NOT puballtables');
  const named = new Set(there.map(({ name }) => String(name)));
  return all
    .filter(({ kind }) => kind === 'PUBLICATION TABLE')
    .flatMap(({ definition, dependencies }) => {
      const table = dependencies.map((id) => ids.get(id)).find((one) => one !== undefined);
      const publication = dependencies.map((id) => publications.get(id)).find((one) => one !== undefined);
      if (table === undefined || publication === undefined || !named.has(publication)) return [];
      return [{ statement: definition, what: `${nameOf(table)} in the publication ${publication}` }];
    });
}

/** What is dropped leaves the subscription that fills it, and coming back into it would copy every row once more. */
export async function refuseSubscribed(session: PostgresSession, tables: WholeEntry[]): Promise<void> {
  const [first] = await session.query(
    `SELECT n.nspname || '.' || c.relname AS name, s.subname AS subscription
      FROM ${OF_TABLES} JOIN pg_subscription_rel r ON r.srrelid = c.oid JOIN pg_subscription s ON s.oid = r.srsubid ORDER BY 1, 2`,
    namesOf(tables),
  );
  if (first === undefined) return;
  const subscription = String(first.subscription);
  throw new HoldfastError(
    'restore_failed',
    `${String(first.name)} is filled by the subscription ${subscription}, which it would leave; nothing was changed`,
    {
      hint: `Restore it beside with --to, and copy the rows; or run DROP SUBSCRIPTION ${quoteIdentifier(subscription)}; first, and make it anew afterwards.`,
    },
  );
}
