import type { WholeEntry } from '../archive-contents.ts';
import { statementsOf, type Statement, type Token } from './statements.ts';

/**
 * The roles that the definition of an entry names: of rights, who has them, who gave them and whose default they are; of a policy, for
 * whom it is; of a user mapping, whose. Owners are not among them.
 */
export function rolesNamedBy({ kind, definition }: Pick<WholeEntry, 'kind' | 'definition'>): string[] {
  if (!NAMING.has(kind)) return [];
  return [...statementsOf(definition)].flatMap(namedIn);
}

const NAMING = new Set(['ACL', 'DATABASE PROPERTIES', 'DEFAULT ACL', 'POLICY', 'USER MAPPING']);

/** Behind these a list of roles follows. All are reserved words, or stand where no name of an object can. */
const BEFORE_ROLES: string[][] = [
  ['TO'],
  ['FROM'],
  ['FOR', 'ROLE'],
  ['ALTER', 'ROLE'],
  ['GRANTED', 'BY'],
  ['SESSION', 'AUTHORIZATION'],
  ['USER', 'MAPPING', 'FOR'],
];
function namedIn({ tokens }: Statement): string[] {
  const found: string[] = [];
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.kind === 'mark') depth += { '(': 1, ')': -1 }[token.value] ?? 0;
    if (depth > 0 || token.kind !== 'word') continue;
    // Behind it comes the value of a setting.
    if (token.value === 'SET' && isWord(tokens[0], 'ALTER')) break;
    const follows = BEFORE_ROLES.some((words) => endsWith(tokens, i, words));
    if (follows) found.push(...listFrom(tokens, i + 1));
  }
  return found;
}

function endsWith(tokens: Token[], last: number, words: string[]): boolean {
  return words.every((word, i) => isWord(tokens[last - words.length + 1 + i], word));
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}

function listFrom(tokens: Token[], first: number): string[] {
  const found: string[] = [];
  for (let i = first; ; i += 2) {
    const token = tokens[i];
    if (token === undefined || !['word', 'name'].includes(token.kind)) return found;
    if (!isNoRole(token)) found.push(token.value);
    const next = tokens[i + 1];
    if (next?.kind !== 'mark' || next.value !== ',') return found;
  }
}

/** A user mapping for everybody names `public` as if it were a role; none can be called like that. */
function isNoRole({ kind, value }: Token): boolean {
  return RESERVED.has(value) || (kind === 'word' && NO_ROLES.has(value));
}

/** In lower case, quoted or not; `"PUBLIC"` is a name. */
const RESERVED = new Set(['public', 'none']);
/** Unquoted and in capitals they are no names. */
const NO_ROLES = new Set(['PUBLIC', 'DEFAULT', 'CURRENT_USER', 'CURRENT_ROLE', 'SESSION_USER']);
