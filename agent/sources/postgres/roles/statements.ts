/** One piece of a statement. */
export interface Token {
  /**
   * - `word`: what stands without quotes: a keyword, a name in lower case, a number
   * - `name`: a name in double quotes; its value is the name
   * - `text`: a string literal; its value is the literal as it stands, for it may be a secret that nobody has to read
   * - `mark`: any other character
   */
  kind: 'word' | 'name' | 'text' | 'mark';
  value: string;
  /** Where it begins in the script. */
  at: number;
}

export interface Statement {
  tokens: Token[];
  /** As it stands, without the semicolon. */
  text: string;
  /** What of it stands from a token on. */
  from(token: Token): string;
}

/**
 * The statements of a script as pg_dump and pg_dumpall write it, with standard_conforming_strings on. Comments and psql's own commands
 * (`\restrict`) are no statements. What is cut off in the middle of one comes as if it ended there.
 */
export function* statementsOf(script: string): Generator<Statement> {
  let tokens: Token[] = [];
  let from = 0;
  const ended = (to: number): Statement => {
    const [first] = tokens;
    const text = script.slice(first?.at ?? from, to);
    return { tokens, text, from: (token) => script.slice(token.at, to) };
  };
  for (const piece of piecesOf(script, () => tokens.length === 0)) {
    if (piece.kind === 'mark' && piece.value === ';') {
      if (tokens.length > 0) yield ended(piece.at);
      tokens = [];
      from = piece.at + 1;
    } else tokens.push(piece);
  }
  if (tokens.length > 0) yield ended(script.length);
}

/** Sticky, each for one kind; the first that fits is it. */
const BLANK = /\s+|--[^\n]*/y;
const COMMAND = /\\[^\n]*/y;
const NAME = /"(?:[^"]|"")*"/y;
const TEXT = /[eE]'(?:[^'\\]|''|\\[^])*'|'(?:[^']|'')*'/y;
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}_$]*/uy;

function* piecesOf(script: string, atStart: () => boolean): Generator<Token> {
  for (let at = 0; at < script.length;) {
    const take = (form: RegExp) => {
      form.lastIndex = at;
      return form.exec(script)?.[0];
    };
    const blank = take(BLANK) ?? (atStart() ? take(COMMAND) : undefined);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const name = take(NAME);
    const text = name === undefined ? take(TEXT) : undefined;
    const word = name === undefined && text === undefined ? take(WORD) : undefined;
    const value = name ?? text ?? word ?? script.charAt(at);
    if (name !== undefined) yield { kind: 'name', value: name.slice(1, -1).replaceAll('""', '"'), at };
    else yield { kind: text !== undefined ? 'text' : word !== undefined ? 'word' : 'mark', value, at };
    at += value.length;
  }
}
