import { HoldfastError } from '../core/errors.ts';

/** Tables by name, all in one form. */
export interface TablesOfDump {
  /** Those that were there before the dump. */
  before: string[];
  dumped: ReadonlySet<string>;
  /** Those that are not in it because that was allowed by name; one that may be missing excuses no other. */
  leftOut: ReadonlySet<string>;
}

/**
 * Holds a dump against the tables that were there before it. `readAgain` tells those that are there now: one that was dropped meanwhile is
 * a warning, which is returned. Throws `dump_incomplete` where one is missing that is still there.
 */
export async function tellMissing(
  database: string,
  { before, dumped, leftOut }: TablesOfDump,
  readAgain: () => Promise<string[]>,
): Promise<string[]> {
  const missing = before.filter((table) => !dumped.has(table) && !leftOut.has(table));
  if (missing.length === 0) return [];
  const still = new Set(await readAgain());
  const lost = missing.find((table) => still.has(table));
  if (lost === undefined)
    return missing.map((table) => `table ${table} was dropped as the dump began and is not in it`);
  throw new HoldfastError('dump_incomplete', `dump of ${database} ended well but lacks table ${lost}`, {
    hint: 'Back up again; if it stays, run `holdfast doctor`.',
  });
}
