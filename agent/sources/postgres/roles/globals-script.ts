import { HoldfastError } from '../../../core/errors.ts';
import { createScriptFilter } from '../script-filter.ts';
import { mergeMemberships, type Membership } from './membership.ts';
import { statementsOf, type Statement, type Token } from './statements.ts';

/** What pg_dumpall wrote of a cluster's roles. Literals are kept as they stand: some are hashes of passwords. */
export interface Globals {
  roles: Map<string, StoredRole>;
  /** In the order in which they can be granted. */
  memberships: Membership[];
  /** `GRANT … ON PARAMETER … TO role`, by the role. */
  parameterRights: { role: string; sql: string }[];
}

export interface StoredRole {
  name: string;
  /** `LOGIN`, `NOINHERIT`, `CONNECTION LIMIT 3`, …: those that differ from what CREATE ROLE gives. */
  attributes: string[];
  /** Literals; null for none. */
  password: string | null;
  validUntil: string | null;
  comment: string | null;
  /** What follows SET, as it stands. */
  settings: string[];
}

/** Roles of a server are few; who has a hundred thousand of them has some tens of megabytes. */
const MOST_BYTES = 128 * 2 ** 20;

/**
 * Reads globals to their end. Throws `restore_failed` where they do not end with their last line, or are written in a way that this
 * program does not read. Nothing of them is ever part of a message but names.
 */
export async function readGlobals(stream: AsyncIterable<Buffer>): Promise<Globals> {
  const filter = createScriptFilter({ ends: 'cluster dump', cut: 'they end without their last line' });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw unreadable('they are far too large');
    chunks.push(...filter.push(chunk));
  }
  try {
    filter.requireEnd();
  } catch {
    throw unreadable('they end without their last line');
  }
  return parseGlobals(textOf(Buffer.concat(chunks)));
}

/** Where names are not of ASCII alone, they must be of UTF-8. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable('they are not written in UTF-8');
  }
}

function unreadable(why: string): HoldfastError {
  return new HoldfastError('restore_failed', `the stored globals cannot be used: ${why}`, {
    hint: 'Create the roles by hand (docs/runbook.md, "PostgreSQL"), or restore with --no-owner.',
  });
}

function parseGlobals(script: string): Globals {
  const globals: Globals = { roles: new Map(), memberships: [], parameterRights: [] };
  for (const statement of statementsOf(script)) {
    const { tokens } = statement;
    if (begins(tokens, 'SET', 'standard_conforming_strings', '=', 'off'))
      throw unreadable('they are written with standard_conforming_strings off');
    if (begins(tokens, 'CREATE', 'ROLE')) addRole(globals, tokens);
    else if (begins(tokens, 'ALTER', 'ROLE')) alterRole(globals, statement);
    else if (begins(tokens, 'COMMENT', 'ON', 'ROLE')) addComment(globals, tokens);
    else if (begins(tokens, 'GRANT')) addGrant(globals, statement);
  }
  return { ...globals, memberships: mergeMemberships(globals.memberships) };
}

function addRole({ roles }: Globals, [, , name]: Token[]): void {
  if (name === undefined) return;
  const bare = { attributes: [], password: null, validUntil: null, comment: null, settings: [] };
  roles.set(name.value, { name: name.value, ...bare });
}

function alterRole({ roles }: Globals, statement: Statement): void {
  const [, , name, verb, ...rest] = statement.tokens;
  const role = roles.get(name?.value ?? '');
  if (role === undefined) return;
  const [first] = rest;
  if (isWord(verb, 'SET') && first !== undefined) role.settings.push(statement.from(first));
  if (isWord(verb, 'WITH')) addAttributes(role, rest);
}

/** Those that are as CREATE ROLE gives them are left out: to name some of them takes a superuser, even to say no. */
const USUAL = new Set([
  'NOSUPERUSER',
  'INHERIT',
  'NOCREATEROLE',
  'NOCREATEDB',
  'NOLOGIN',
  'NOREPLICATION',
  'NOBYPASSRLS',
]);
const UNUSUAL = new Set([
  'SUPERUSER',
  'NOINHERIT',
  'CREATEROLE',
  'CREATEDB',
  'LOGIN',
  'REPLICATION',
  'BYPASSRLS',
]);

function addAttributes(role: StoredRole, tokens: Token[]): void {
  for (let rest = tokens; rest.length > 0;) {
    const [first, second, third] = rest;
    const value = first?.value ?? '';
    let taken = 1;
    if (UNUSUAL.has(value)) role.attributes.push(value);
    else if (value === 'PASSWORD' && second?.kind === 'text') {
      role.password = second.value;
      taken = 2;
    } else if (value === 'VALID' && isWord(second, 'UNTIL') && third?.kind === 'text') {
      role.validUntil = third.value;
      taken = 3;
    } else if (value === 'CONNECTION' && isWord(second, 'LIMIT') && /^\d+$/.test(third?.value ?? '')) {
      role.attributes.push(`CONNECTION LIMIT ${third?.value}`);
      taken = 3;
    } else if (!USUAL.has(value))
      throw unreadable(`an attribute of role "${role.name}" is not known to this program`);
    rest = rest.slice(taken);
  }
}

function addComment({ roles }: Globals, [, , , name, , literal]: Token[]): void {
  const role = roles.get(name?.value ?? '');
  if (role !== undefined && literal?.kind === 'text') role.comment = literal.value;
}

function addGrant({ memberships, parameterRights }: Globals, { tokens, text }: Statement): void {
  const on = tokens.findIndex((token) => isWord(token, 'ON'));
  const to = tokens.findIndex((token) => isWord(token, 'TO'));
  const member = tokens[to + 1];
  if (to < 0 || member === undefined) return;
  if (on >= 0) {
    if (isWord(tokens[on + 1], 'PARAMETER')) parameterRights.push({ role: member.value, sql: text });
    return;
  }
  const [, role] = tokens;
  if (role === undefined || to !== 2) return;
  const granted = tokens.findIndex((token) => isWord(token, 'GRANTED'));
  const options = tokens.slice(to + 3, granted < 0 ? undefined : granted);
  memberships.push({
    role: role.value,
    member: member.value,
    admin: optionOf(options, 'ADMIN') ?? false,
    inherit: optionOf(options, 'INHERIT'),
    set: optionOf(options, 'SET') ?? true,
  });
}

/** Of `ADMIN OPTION, INHERIT TRUE, SET FALSE`; null where it is not said. */
function optionOf(tokens: Token[], option: string): boolean | null {
  const at = tokens.findIndex((token) => isWord(token, option));
  return at < 0 ? null : !isWord(tokens[at + 1], 'FALSE');
}

function begins(tokens: Token[], ...values: string[]): boolean {
  return values.every((value, i) => tokens[i]?.kind !== 'name' && tokens[i]?.value === value);
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value === word;
}
