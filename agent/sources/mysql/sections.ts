import type { ByteFilter } from '../bytes/line-rewriter.ts';

/**
 * Hands on of a dump what stands before its first section, and the sections of these tables: their definition, rows and triggers.
 * `onTable` is told of every table in it, in the order of the dump.
 */
export function createTableFilter(
  wanted: ReadonlySet<string>,
  onTable: (name: string) => void = () => undefined,
): ByteFilter {
  let held: Buffer = Buffer.alloc(0);
  let passing = true;
  let closed = false;

  const work = (data: Buffer, final: boolean): Buffer[] => {
    const out: Buffer[] = [];
    let settled = 0;
    const settle = (end: number) => {
      if (passing && end > settled) out.push(data.subarray(settled, end));
      settled = end;
    };
    for (let at = data.indexOf(MARK); at !== -1; at = data.indexOf(MARK, at + 1)) {
      const end = data.indexOf('\n', at + MARK.length);
      if (end === -1 && !final) {
        settle(at);
        held = data.subarray(at);
        return out;
      }
      const title = data.toString('utf8', at + MARK.length, end === -1 ? data.length : end);
      const section = sectionOf(title);
      if (section === null || closed) continue;
      settle(at);
      // Procedures come after all tables, and in their text anything may stand.
      closed = section.kind === 'after';
      if (section.kind === 'table') onTable(section.name);
      passing = wanted.has(section.name);
    }
    // A mark may be cut in two.
    const rest = final ? 0 : Math.min(MARK.length - 1, data.length - settled);
    settle(data.length - rest);
    held = data.subarray(data.length - rest);
    return out;
  };

  return {
    push: (chunk) => work(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false),
    end: () => work(held, true),
  };
}

/** Above every section stands an empty comment; line ends in values are escaped, so that no row can look like it. */
const MARK = '\n--\n-- ';

/** `beside`: a view's stand-in or a sequence, between the tables; `after`: what comes when no table follows. */
type Section = { kind: 'table' | 'rows' | 'beside' | 'after'; name: string };

function sectionOf(title: string): Section | null {
  const match =
    /^(Table structure for table|Dumping data for table|Temporary (?:view|table) structure for view|Sequence structure for) `((?:[^`]|``)+)`$/.exec(
      title,
    );
  const [, what = '', quoted = ''] = match ?? [];
  const name = quoted.replaceAll('``', '`');
  if (what.startsWith('Table')) return { kind: 'table', name };
  if (what.startsWith('Dumping')) return { kind: 'rows', name };
  if (match !== null) return { kind: 'beside', name: '' };
  return /^(Dumping (events|routines) for database|Final view structure for view) /.test(title)
    ? { kind: 'after', name: '' }
    : null;
}
