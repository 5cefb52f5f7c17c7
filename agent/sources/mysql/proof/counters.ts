import type { Proof } from '../../../proof/proof.ts';
import type { LineRule } from '../../bytes/line-rewriter.ts';
import { isDatabase, quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { listSequences } from './objects.ts';

type Counters = Proof['counters'];

/**
 * Rules that change nothing and tell of each auto-increment and sequence what comes next. Counters obey no snapshot: what
 * the dump itself carries is the one value that a restore can be held to. `table` gives the table whose definition passes.
 */
export function watchCounters(
  table: () => string | null,
  seen: (name: string, value: string) => void,
): LineRule[] {
  const autoIncrement = (text: string) => {
    const value = /^\) (?:\/\*!\d+ TABLESPACE [^\n]*?\*\/ )?ENGINE=\w+ AUTO_INCREMENT=(\d+)[ ;\n]/.exec(
      text,
    )?.[1];
    const name = table();
    if (value !== undefined && name !== null) seen(name, value);
    return null;
  };
  const sequence = (text: string) => {
    const found = /^\w+ SETVAL\((`(?:[^`]|``)+`), (-?\d+), 0\)/.exec(text);
    if (found?.[1] !== undefined && found[2] !== undefined) seen(unquoted(found[1]), found[2]);
    return null;
  };
  return [
    { start: ') ENGINE=', rewrite: autoIncrement },
    { start: ') /*!50', rewrite: autoIncrement },
    { start: 'DO SETVAL(', rewrite: sequence },
    { start: 'SELECT SETVAL(', rewrite: sequence },
  ];
}

/** A quoted name as it stands in a dump, one character per byte. */
export function unquoted(name: string): string {
  return Buffer.from(name.slice(1, -1), 'latin1').toString('utf8').replaceAll('``', '`');
}

/** What comes next in a database that nobody writes to. A table that was never written to has none: its dump says nothing of it. */
export async function readCounters(session: MysqlSession, database: string): Promise<Counters> {
  const rows = await session.query(
    `SELECT table_name AS name, CAST(auto_increment AS CHAR) AS value FROM information_schema.tables
      WHERE ${isDatabase('table_schema', database)} AND auto_increment > 1`,
  );
  const counters = rows.map(({ name, value }) => ({ name: String(name), value: String(value) }));
  for (const name of await listSequences(session, database)) {
    const [row] = await session.query(
      `SELECT CAST(next_not_cached_value AS CHAR) AS value FROM ${quoteName(database)}.${quoteName(name)}`,
    );
    counters.push({ name, value: String(row?.value) });
  }
  return sorted(counters);
}

export function sorted(counters: Counters): Counters {
  return counters.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
