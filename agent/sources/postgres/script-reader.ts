/**
 * Reads a script as the server does, as far as to know what is text in it and what is a statement: `'…'`, `E'…'`, `"…"`, `$tag$…$tag$` and comments
 * say whatever somebody once wrote into them, also what looks like the script's own.
 */
export interface ScriptReader {
  /** Whether what was read last ends within a quote or a comment of several lines. */
  inQuote(): boolean;
  /** Reads on, by whole lines, and returns where in these a statement has ended: behind its semicolon. */
  read(lines: string): number[];
}

export function createScriptReader(): ScriptReader {
  let open: Quote | null = null;
  let parentheses = 0;
  let blocks = 0;
  const take = (token: string, follows: string): boolean => {
    open = quoteOf(token);
    if (token === '(') parentheses += 1;
    if (token === ')') parentheses -= 1;
    const word = token.toUpperCase();
    // A body in SQL itself holds statements, and no text of anybody's but in quotes.
    const begins = (word === 'BEGIN' && /^\s+ATOMIC\b/i.test(follows)) || (word === 'CASE' && blocks > 0);
    if (begins) blocks += 1;
    if (word === 'END' && blocks > 0) blocks -= 1;
    return token === ';' && parentheses === 0 && blocks === 0;
  };
  return {
    inQuote: () => open !== null,
    read: (lines) => {
      const ends: number[] = [];
      let at = 0;
      while (at < lines.length) {
        if (open !== null) {
          const end: number | null = open.endIn(lines, at);
          if (end === null) return ends;
          open = null;
          at = end;
          continue;
        }
        TOKEN.lastIndex = at;
        const [token] = TOKEN.exec(lines) ?? [];
        if (token === undefined) return ends;
        at = TOKEN.lastIndex;
        if (take(token, lines.slice(at, at + LOOK_AHEAD))) ends.push(at);
      }
      return ends;
    },
  };
}

/** The statements of a text, each by itself, without what is only blank. What no semicolon ends is one too: the server refuses it. */
export function statementsOf(text: string): string[] {
  const ends = createScriptReader().read(text);
  const pieces = [...ends, text.length].map((end, at) => text.slice(ends[at - 1] ?? 0, end).trim());
  return pieces.filter((piece) => piece !== '');
}

interface Quote {
  /** Behind its end, from there on; null where it goes on in the lines that come. */
  endIn(lines: string, from: number): number | null;
}

/** Words are taken whole: in `a$b$` and `name'` no quote of another kind begins. */
const TOKEN =
  /--[^\n]*|\/\*|"|[eE]'|'|\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$|[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*|[();]/g;
/** For what stands behind BEGIN on its line. */
const LOOK_AHEAD = 32;

function quoteOf(token: string): Quote | null {
  if (token === '/*') return comment();
  if (token === "'" || token === '"') return upTo(token);
  if (token.length === 2 && token.endsWith("'")) return withBackslashes();
  return token.startsWith('$') ? upTo(token) : null;
}

/** A doubled one ends it and begins the next at once. */
function upTo(mark: string): Quote {
  return {
    endIn: (lines, from) => {
      const at = lines.indexOf(mark, from);
      return at < 0 ? null : at + mark.length;
    },
  };
}

function withBackslashes(): Quote {
  return {
    endIn: (lines, from) => {
      for (const found of lines.slice(from).matchAll(/\\[^]|''|'/g))
        if (found[0] === "'") return from + found.index + 1;
      return null;
    },
  };
}

/** One within another is part of it. */
function comment(): Quote {
  let depth = 1;
  return {
    endIn: (lines, from) => {
      for (const found of lines.slice(from).matchAll(/\/\*|\*\//g)) {
        depth += found[0] === '/*' ? 1 : -1;
        if (depth === 0) return from + found.index + 2;
      }
      return null;
    },
  };
}
