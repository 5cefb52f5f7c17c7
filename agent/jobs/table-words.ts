import type { TableLoad } from '../sources/source.ts';

/** Which table is being loaded, as a sentence part: `table 12 of 40: orders`. `tables`: how many the dump has by other knowledge; null for none. */
export function tableWords({ name, number, of }: TableLoad, tables: number | null): string {
  const all = of ?? tables;
  // What stands in a procedure's text may look like one more.
  return all === null || number > all ? `table ${number}: ${name}` : `table ${number} of ${all}: ${name}`;
}

/** From then on the server has all rows, and makes the indexes and whatever else follows them. */
export const ALL_SENT = 'all sent, the server finishes';
