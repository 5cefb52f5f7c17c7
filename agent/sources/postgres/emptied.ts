import { HoldfastError } from '../../core/errors.ts';
import { USER_SCHEMAS } from './contents.ts';
import type { PostgresSession } from './session.ts';

/** Of tables, as `schema.table`: the file of their rows, which TRUNCATE and a rewrite replace, and whether there are any, as far as the server's statistics know. */
export type TableFiles = Map<string, { file: string; holds: boolean }>;

/** As they are now, whatever the session's snapshot. Waits for no lock. */
export async function readTableFiles(session: PostgresSession): Promise<TableFiles> {
  const rows = await session.query(
    `SELECT n.nspname AS schema, c.relname AS name, pg_relation_filenode(c.oid)::text AS file,
        (c.reltuples > 0 OR pg_stat_get_live_tuples(c.oid) > 0) AS holds
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${USER_SCHEMAS}`,
  );
  return new Map(
    rows.map(({ schema, name, file, holds }) => [
      `${String(schema)}.${String(name)}`,
      { file: String(file), holds: holds === true },
    ]),
  );
}

/**
 * Throws `dump_incomplete` where a table held something before the dump, has no row in it, and was given another file meanwhile: one that is
 * truncated or rewritten after the dump's snapshot and before its lock is empty to pg_dump, which says nothing. (PostgreSQL's documentation, 13.6
 * Caveats.) `readAgain` tells the files of now.
 */
export async function refuseEmptied(
  database: string,
  { before, empty }: { before: TableFiles; empty: ReadonlySet<string> },
  readAgain: () => Promise<TableFiles>,
): Promise<void> {
  const suspects = [...empty].filter((table) => before.get(table)?.holds === true);
  if (suspects.length === 0) return;
  const now = await readAgain();
  const emptied = suspects.find((table) => {
    const there = now.get(table);
    return there !== undefined && there.file !== before.get(table)?.file;
  });
  if (emptied === undefined) return;
  throw new HoldfastError(
    'dump_incomplete',
    `table ${emptied} of ${database} was truncated or rewritten as the dump began, and none of its rows is in it`,
    {
      hint: 'Back up again. If something empties that table at this hour every time, let one of the two run at another.',
    },
  );
}
