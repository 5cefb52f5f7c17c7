import { quoteName } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { atLeast } from '../version.ts';
import type { HashedColumn } from './row-hash.ts';

/** The server writes a FLOAT with six digits, in a dump as anywhere: a checksum of texts does not see what that cuts off. */
export interface CutFloats {
  /** An SQL expression: how many rows hold a value that is cut; 0 where there is none, and where no column is a FLOAT. */
  count: string;
  /** As a sentence part; undefined for no row. */
  told(rows: number): string | undefined;
}

export function cutFloats(
  session: Pick<MysqlSession, 'flavour' | 'version'>,
  columns: HashedColumn[],
): CutFloats {
  const casts = castsToFloat(session);
  const conditions = columns
    .filter(({ type }) => type === 'float')
    .map(({ name }) => {
      const column = quoteName(name);
      // Where it cannot be read as a FLOAT again, only what is the same as a DOUBLE is known to be carried.
      const read = casts ? `CAST(CAST(${column} AS CHAR) AS FLOAT)` : `(CAST(${column} AS CHAR) + 0e0)`;
      return `COALESCE(${column} <> ${read}, FALSE)`;
    });
  const which = casts
    ? 'of more than six digits, which no dump carries'
    : 'of which this server does not tell whether a dump carries them';
  return {
    count: conditions.length === 0 ? '0' : `COALESCE(SUM(${conditions.join(' OR ')}), 0)`,
    told: (rows) =>
      rows === 0
        ? undefined
        : `${rows === 1 ? '1 row holds' : `${rows} rows hold`} FLOAT values ${which} (store them as DOUBLE)`,
  };
}

function castsToFloat({ flavour, version }: Pick<MysqlSession, 'flavour' | 'version'>): boolean {
  return flavour === 'mariadb' ? atLeast(version, 10, 4, 5) : atLeast(version, 8, 0, 17);
}
