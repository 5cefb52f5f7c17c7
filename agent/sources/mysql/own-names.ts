import type { ByteFilter } from '../bytes/line-rewriter.ts';
import { withoutDatabase } from './proof/canonical.ts';

/**
 * In a copy, views call the copy's functions and draw from its sequences, and so do defaults of columns: servers write those, unlike
 * tables, together with the name of the database that they stood in, and the dump of `original` would reach for it. Null: it is loaded into
 * its own database, and nothing changes. What somebody typed himself, in routines, triggers and events, stays.
 */
export function createOwnNames(original: () => string | null): ByteFilter {
  let held: Buffer = Buffer.alloc(0);
  let place: Place = 'between';

  const work = (data: Buffer, database: string, final: boolean): Buffer[] => {
    const out: Buffer[] = [];
    let settled = 0;
    let at = nextLine(data, place, 0);
    while (at !== -1) {
      const line = at + 1;
      const end = data.indexOf('\n', line);
      if (end === -1 && !final) break;
      const text = data.toString('latin1', line, end === -1 ? data.length : end);
      place = placeAfter(text, place);
      if (HOLDS_NAMES.test(text) && place !== 'program') {
        out.push(data.subarray(settled, line), Buffer.from(withoutDatabase(text, database), 'latin1'));
        settled = end === -1 ? data.length : end;
      }
      at = end === -1 ? -1 : nextLine(data, place, end);
    }
    // A line's beginning may be cut in two.
    const rest = at === -1 ? Math.max(settled, data.length - LONGEST_BEGINNING) : at;
    const until = final ? data.length : rest;
    out.push(data.subarray(settled, until));
    held = data.subarray(until);
    return out;
  };

  const take = (chunk: Buffer, final: boolean): Buffer[] => {
    const database = original();
    if (database === null) return [chunk];
    const data = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    return work(data, Buffer.from(database, 'utf8').toString('latin1'), final);
  };
  return { push: (chunk) => take(chunk, false), end: () => take(Buffer.alloc(0), true) };
}

/** `program`: in the text of a routine, a trigger or an event, in which anything may stand. */
type Place = 'between' | 'table' | 'program';

/** Line ends in rows are escaped, so that none of them can look like it. */
const BEGINNINGS: Record<Place, string[]> = {
  between: ['\nCREATE TABLE `', '\nDELIMITER ;;\n', '\n/*!50001 VIEW `'],
  table: ['\n'],
  program: ['\nDELIMITER ;\n'],
};
const LONGEST_BEGINNING = Math.max(
  ...Object.values(BEGINNINGS).flatMap((ones) => ones.map((one) => one.length)),
);

/** A column, or a view. */
const HOLDS_NAMES = /^(?: {2}`|\/\*!50001 VIEW `)/;

function placeAfter(line: string, place: Place): Place {
  if (place === 'program') return line === 'DELIMITER ;' ? 'between' : place;
  if (place === 'table') return line.startsWith(')') ? 'between' : place;
  if (line === 'DELIMITER ;;') return 'program';
  return line.startsWith('CREATE TABLE `') ? 'table' : place;
}

/** The line end before the next line that matters, or -1. */
function nextLine(data: Buffer, place: Place, from: number): number {
  const found = BEGINNINGS[place].map((one) => data.indexOf(one, from)).filter((at) => at !== -1);
  return found.length === 0 ? -1 : Math.min(...found);
}
