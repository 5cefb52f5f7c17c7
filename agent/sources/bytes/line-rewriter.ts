/** Changes a stream of SQL at the beginnings of a few known lines, and nowhere else. */
export interface ByteFilter {
  /** Takes the next bytes and returns what is settled by now. */
  push(chunk: Buffer): Buffer[];
  /** The rest. Throws where the stream may not end here. */
  end(): Buffer[];
}

export interface LineRule {
  /** What a line must begin with. ASCII. */
  start: string;
  /** What must stand before the line, its line end not included; any line where it is absent. ASCII. */
  after?: string;
  /**
   * Gets the text from the line's beginning on, at most `MAX_CLAUSE_BYTES` of it, one character per byte (latin1).
   * Returns how many of these bytes give way to which text, or null to leave the line alone.
   */
  rewrite(text: string): { length: number; by: string } | null;
}

/** No clause that a rule looks at is longer: an account is at most 128 + 255 characters, doubled by quoting. */
const MAX_CLAUSE_BYTES = 4096;
/** Settled text that stays at hand, for `after`. */
const LOOK_BACK_BYTES = 64;
/** Rules whose lines begin alike share a search. */
const NEEDLE_CHARACTERS = 6;

/**
 * Searches for a few needles (`Buffer.indexOf` runs at memory speed) instead of splitting lines: rows may be a gigabyte long.
 * A line's beginning never stands inside row data, because dump clients write line ends in values as `\n`.
 */
export function createLineRewriter(rules: LineRule[]): ByteFilter {
  const starts = new Set(rules.map((rule) => `\n${rule.start.slice(0, NEEDLE_CHARACTERS)}`));
  const needles = [...starts].map((start) => Buffer.from(start, 'latin1'));
  // The first line is a line too: a line end is thought before it, and never handed on.
  let held: Buffer = Buffer.from('\n');
  let unsaid = 1;
  let before = '';

  const work = (data: Buffer, final: boolean): Buffer[] => {
    const out: Buffer[] = [];
    let settled = 0;
    const settle = (end: number) => {
      if (end > settled + unsaid) out.push(data.subarray(settled + unsaid, end));
      if (end > settled) unsaid = 0;
      settled = Math.max(settled, end);
    };
    let at = nextHit(needles, data, 0);
    while (at !== -1) {
      const line = at + 1;
      if (!final && data.length - line < MAX_CLAUSE_BYTES) break;
      const text = data.toString('latin1', line, line + MAX_CLAUSE_BYTES);
      const preceding = (before + data.toString('latin1', Math.max(0, at - LOOK_BACK_BYTES), at)).slice(
        -LOOK_BACK_BYTES,
      );
      const change = changeOf(rules, text, preceding);
      if (change !== null) {
        settle(line);
        out.push(Buffer.from(change.by, 'latin1'));
        settled = line + change.length;
      }
      at = nextHit(needles, data, Math.max(line, settled));
    }
    if (at === -1) at = final ? data.length : startOfPartialHit(needles, data, settled);
    settle(at);
    before = (before + data.toString('latin1', Math.max(0, at - LOOK_BACK_BYTES), at)).slice(
      -LOOK_BACK_BYTES,
    );
    held = data.subarray(at);
    return out;
  };

  return {
    push: (chunk) => work(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false),
    end: () => work(held, true),
  };
}

function changeOf(rules: LineRule[], text: string, preceding: string): ReturnType<LineRule['rewrite']> {
  for (const rule of rules) {
    if (!text.startsWith(rule.start) || !preceding.endsWith(rule.after ?? '')) continue;
    const change = rule.rewrite(text);
    if (change !== null) return change;
  }
  return null;
}

/** Where the first of the needles stands, or -1. */
function nextHit(needles: Buffer[], data: Buffer, from: number): number {
  let first = -1;
  for (const needle of needles) {
    const at = data.indexOf(needle, from);
    if (at !== -1 && (first === -1 || at < first)) first = at;
  }
  return first;
}

/** Where a needle begins that the next chunk may complete; the end of the data when none does. */
function startOfPartialHit(needles: Buffer[], data: Buffer, from: number): number {
  let at = data.indexOf(LINE_END, Math.max(from, data.length - NEEDLE_CHARACTERS));
  while (at !== -1) {
    const rest = data.subarray(at);
    if (needles.some((needle) => needle.subarray(0, rest.length).equals(rest))) return at;
    at = data.indexOf(LINE_END, at + 1);
  }
  return data.length;
}

const LINE_END = 0x0a;

/** One filter out of two. */
export function chainFilters(first: ByteFilter, second: ByteFilter): ByteFilter {
  return {
    push: (chunk) => first.push(chunk).flatMap((piece) => second.push(piece)),
    end: () => [...first.end().flatMap((piece) => second.push(piece)), ...second.end()],
  };
}
