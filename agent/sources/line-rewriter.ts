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
export const MAX_CLAUSE_BYTES = 4096;
/** Bytes of settled text that stay at hand, for `after`. */
const LOOK_BACK_BYTES = 64;

/**
 * Searches for whole needles (`Buffer.indexOf` runs at memory speed) instead of splitting lines: rows may be a gigabyte long.
 * A line's beginning never stands inside row data, because dump clients write line ends in values as `\n`.
 */
export function createLineRewriter(rules: LineRule[]): ByteFilter {
  const needles = rules.map((rule) => ({ rule, bytes: Buffer.from(`\n${rule.start}`, 'latin1') }));
  const longest = Math.max(...needles.map(({ bytes }) => bytes.length));
  /** Starts with a line end so that the first line is a line too; `settled` bytes of it were handed on already. */
  let held = Buffer.from('\n');
  let settled = 1;

  const work = (final: boolean): Buffer[] => {
    const out: Buffer[] = [];
    let from = Math.max(0, settled - 1);
    for (;;) {
      const hit = firstHit(needles, held, from);
      if (hit === null) break;
      const line = hit.at + 1;
      if (!final && held.length - line < MAX_CLAUSE_BYTES) return [...out, ...keepFrom(line)];
      const change = precededBy(held, hit.at, hit.rule.after)
        ? hit.rule.rewrite(held.toString('latin1', line, line + MAX_CLAUSE_BYTES))
        : null;
      if (change !== null) {
        out.push(held.subarray(settled, line), Buffer.from(change.by, 'latin1'));
        settled = line + change.length;
      }
      from = Math.max(line, settled - 1);
    }
    return [...out, ...keepFrom(final ? held.length : Math.max(settled, held.length - longest))];
  };

  /** Hands on what stands before `end` and forgets what is no longer needed. */
  const keepFrom = (end: number): Buffer[] => {
    const ready = held.subarray(settled, end);
    const start = Math.max(0, end - LOOK_BACK_BYTES);
    held = held.subarray(start);
    settled = end - start;
    return ready.length === 0 ? [] : [ready];
  };

  return {
    push: (chunk) => {
      held = Buffer.concat([held, chunk]);
      return work(false);
    },
    end: () => work(true),
  };
}

interface Needle {
  rule: LineRule;
  bytes: Buffer;
}

function firstHit(needles: Needle[], held: Buffer, from: number): { at: number; rule: LineRule } | null {
  let first: { at: number; rule: LineRule } | null = null;
  for (const { rule, bytes } of needles) {
    const at = held.indexOf(bytes, from);
    if (at !== -1 && (first === null || at < first.at)) first = { at, rule };
  }
  return first;
}

function precededBy(held: Buffer, at: number, after: string | undefined): boolean {
  if (after === undefined) return true;
  return held.toString('latin1', Math.max(0, at - after.length), at) === after;
}

/** One filter out of two. */
export function chainFilters(first: ByteFilter, second: ByteFilter): ByteFilter {
  return {
    push: (chunk) => first.push(chunk).flatMap((piece) => second.push(piece)),
    end: () => [...first.end().flatMap((piece) => second.push(piece)), ...second.end()],
  };
}
