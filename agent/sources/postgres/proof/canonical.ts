/**
 * PostgreSQL writes `status IN ('a', 'b')` of a varchar column as `(ARRAY['a'::character varying, …])::text[]`, and what came of
 * loading that as `ARRAY[('a'::character varying)::text, …]`: the same thing, so both become the second.
 */
export function canonicalExpression(text: string): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    const cast = text.startsWith(OPENING, at) ? readCastArray(text, at) : null;
    if (cast === null) {
      const end = skipOne(text, at);
      out += text.slice(at, end);
      at = end;
    } else {
      const elements = cast.elements.map((element) => `(${canonicalExpression(element)})::${cast.type}`);
      out += `ARRAY[${elements.join(', ')}]`;
      at = cast.end;
    }
  }
  return out;
}

const OPENING = '(ARRAY[';
/** The end of the parenthesis and an array's type: `)::character varying(20)[]`. */
const CAST = /\)::((?:"(?:[^"]|"")+"|[\w .])+(?:\([\d,]+\))?[\w ]*)\[\]/y;

interface CastArray {
  elements: string[];
  type: string;
  end: number;
}

function readCastArray(text: string, start: number): CastArray | null {
  const elements: string[] = [];
  let depth = 0;
  let from = start + OPENING.length;
  for (let at = from; at < text.length; at = skipOne(text, at)) {
    const char = text[at] ?? '';
    if (depth === 0 && (char === ',' || char === ']')) {
      elements.push(text.slice(from, at).trim());
      from = at + 1;
      if (char === ',') continue;
      CAST.lastIndex = from;
      const type = CAST.exec(text)?.[1];
      return type === undefined ? null : { elements, type, end: CAST.lastIndex };
    }
    if (char === '(' || char === '[') depth += 1;
    if (char === ')' || char === ']') depth -= 1;
  }
  return null;
}

/** Behind the next character, or behind the whole string or quoted name that begins here. */
function skipOne(text: string, at: number): number {
  const quote = text[at];
  if (quote !== "'" && quote !== '"') return at + 1;
  const end = text.indexOf(quote, at + 1);
  return end === -1 ? text.length : end + 1;
}
