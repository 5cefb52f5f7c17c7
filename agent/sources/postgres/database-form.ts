import { quoteIdentifier, quoteLiteral } from './names.ts';
import { statementsOf, type Token } from './roles/statements.ts';
import type { PostgresSession } from './session.ts';

/** What a database has from the moment when it is made, and hardly ever after: how it stores and sorts text, and where it lies. */
export interface DatabaseForm {
  encoding: string;
  /** `libc`, `icu` or `builtin`: who sorts. */
  provider: string;
  collate: string;
  ctype: string;
  /** Of icu or builtin; null for libc. */
  locale: string | null;
  icuRules: string | null;
  /** Null for the server's default. */
  tablespace: string | null;
}

/** Of a database that is there; null where there is none. */
export async function readForm(session: PostgresSession, database: string): Promise<DatabaseForm | null> {
  const [row] = await session.query(
    `SELECT pg_encoding_to_char(encoding) AS encoding, to_jsonb(d) AS d,
      (SELECT t.spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace AND t.spcname <> 'pg_default') AS tablespace
      FROM pg_database d WHERE datname = $1`,
    [database],
  );
  if (row === undefined) return null;
  const d = row.d as Record<string, string | null>;
  const provider = PROVIDERS[d.datlocprovider ?? 'c'] ?? 'libc';
  return {
    encoding: String(row.encoding),
    provider,
    collate: d.datcollate ?? '',
    ctype: d.datctype ?? '',
    // The column was named daticulocale in 15 and 16.
    locale: provider === 'libc' ? null : (d.datlocale ?? d.daticulocale ?? null),
    icuRules: d.daticurules ?? null,
    tablespace: typeof row.tablespace === 'string' ? row.tablespace : null,
  };
}

const PROVIDERS: Record<string, string> = { c: 'libc', i: 'icu', b: 'builtin' };

/** Of the database that this CREATE DATABASE of pg_dump's makes; null where it does not say. */
export function formOf(definition: string): DatabaseForm | null {
  const [statement] = statementsOf(definition);
  const options = optionsOf(statement?.tokens ?? []);
  const encoding = options.get('ENCODING');
  const collate = options.get('LC_COLLATE') ?? options.get('LOCALE');
  const ctype = options.get('LC_CTYPE') ?? options.get('LOCALE');
  if (encoding === undefined || collate === undefined || ctype === undefined) return null;
  return {
    ...{ encoding, collate, ctype },
    // Not named before 15, when there was no other.
    provider: options.get('LOCALE_PROVIDER') ?? 'libc',
    locale: options.get('ICU_LOCALE') ?? options.get('BUILTIN_LOCALE') ?? null,
    icuRules: options.get('ICU_RULES') ?? null,
    tablespace: options.get('TABLESPACE') ?? null,
  };
}

/** `NAME = value` each. */
function optionsOf(tokens: Token[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const [i, { kind, value }] of tokens.entries()) {
    const [sign, given] = [tokens[i + 1], tokens[i + 2]];
    if (kind !== 'word' || sign?.kind !== 'mark' || sign.value !== '=' || given === undefined) continue;
    options.set(value, given.kind === 'text' ? textOf(given.value) : given.value);
  }
  return options;
}

function textOf(literal: string): string {
  const isEscaped = /^[eE]/.test(literal);
  const inside = literal.slice(isEscaped ? 2 : 1, -1).replaceAll("''", "'");
  return isEscaped ? inside.replaceAll(/\\(.)/g, '$1') : inside;
}

/** Encoding and locale as CREATE DATABASE takes them. */
export function localeClauses(form: DatabaseForm, major: number): string {
  const { encoding, provider, collate, ctype, locale, icuRules } = form;
  const clause = (name: string, value: string | null) =>
    value === null ? [] : [`${name} = ${quoteLiteral(value)}`];
  return [
    ...clause('ENCODING', encoding),
    ...clause('LC_COLLATE', collate),
    ...clause('LC_CTYPE', ctype),
    // A template of another provider would give its own.
    ...(major >= FIRST_WITH_PROVIDERS || provider !== 'libc'
      ? [`LOCALE_PROVIDER = ${quoteIdentifier(provider)}`]
      : []),
    ...clause(provider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE', locale),
    ...clause('ICU_RULES', icuRules),
  ].join(' ');
}

/** The statement that makes one like it on another server, as a dump has it: where it lies there is that server's. */
export function statementOf(form: DatabaseForm): string {
  return `CREATE DATABASE like_it WITH ${localeClauses(form, FIRST_WITH_PROVIDERS)};`;
}

const FIRST_WITH_PROVIDERS = 15;

/** In the words of CREATE DATABASE, for a person. */
export function tellForm({ encoding, provider, collate, ctype, locale, icuRules }: DatabaseForm): string {
  const libc = collate === ctype ? collate : `LC_COLLATE ${collate} LC_CTYPE ${ctype}`;
  const rules = icuRules === null ? '' : ` with rules of its own`;
  return `${encoding}, ${provider} ${locale === null ? libc : `${locale} (${libc})`}${rules}`;
}

/** In what a database that is there stores or sorts text otherwise than the dumped one, as a list of one sentence part or none. */
export function tellUnlike(
  database: string,
  there: DatabaseForm | null,
  dumped: DatabaseForm | null,
): string[] {
  if (there === null || dumped === null || isAlike(there, dumped)) return [];
  return [
    `${database} is ${tellForm(there)}, and what was dumped was ${tellForm(dumped)}: text may sort, compare and be stored otherwise. To have it as it was, drop ${database} and restore again, which makes it anew`,
  ];
}

function isAlike(one: DatabaseForm, other: DatabaseForm): boolean {
  const facts = ({ encoding, provider, collate, ctype, locale, icuRules }: DatabaseForm) =>
    JSON.stringify([encoding, provider, ...[collate, ctype, locale ?? ''].map(written), icuRules]);
  return facts(one) === facts(other);
}

/** Servers call the same locale `C.utf8` and `C.UTF-8`, `de_DE` and `de-DE`. */
function written(locale: string): string {
  return locale.toLowerCase().replaceAll(/[-_]/g, '');
}
