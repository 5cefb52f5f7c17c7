import { createHash } from 'node:crypto';
import type { ObjectProof } from '../../../proof/proof.ts';
import { quoteName } from '../names.ts';

/** Collects definitions of objects, each of one row or several, and hashes them. */
export interface Definitions {
  /**
   * Adds what belongs to an object's definition, in order. `older` are the same in the forms in which proofs have it that were taken before
   * there was the form of today, the oldest first.
   */
  add(kind: string, name: string, values: unknown[], ...older: unknown[][]): void;
  /** By kind and name. */
  hashed(): ObjectProof[];
}

/** What is held against `known`, a proof's objects, is hashed in the older form where the proof has it in that. */
export function collectDefinitions(known: ObjectProof[] = []): Definitions {
  const found = new Map<string, { kind: string; name: string; rows: Row[] }>();
  const keyOf = (kind: string, name: string) => `${kind}\0${name}`;
  const asKnown = new Map(known.map(({ kind, name, hash }) => [keyOf(kind, name), hash]));
  return {
    add: (kind, name, values, ...older) => {
      const key = keyOf(kind, name);
      const object = found.get(key) ?? { kind, name, rows: [] };
      object.rows.push({ today: values.map(asText), older: older.map((form) => form.map(asText)) });
      found.set(key, object);
    },
    hashed: () =>
      [...found.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, { kind, name, rows }]) => {
          const hash = hashOf(rows.map(({ today }) => today));
          const wanted = asKnown.get(key);
          const isKnown = wanted !== undefined && wanted !== hash && olderHashes(rows).includes(wanted);
          return { kind, name, hash: isKnown ? wanted : hash };
        }),
  };
}

interface Row {
  today: (string | null)[];
  older: (string | null)[][];
}

function olderHashes(rows: Row[]): string[] {
  const forms = Math.max(...rows.map(({ older }) => older.length));
  return Array.from({ length: forms }, (_, form) =>
    hashOf(rows.map(({ today, older }) => older[form] ?? older.at(-1) ?? today)),
  );
}

function hashOf(rows: unknown[][]): string {
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A text of the server without the name of the database that it stands in, which a restore may change; or with another one in its place. */
export function withoutDatabase(sql: string, database: string, other?: string): string {
  const prefix = `${quoteName(database)}.`;
  const by = other === undefined ? '' : `${quoteName(other)}.`;
  return sql.replace(/'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`\.?/gs, (token) => (token === prefix ? by : token));
}

/**
 * A view's text without the parentheses that only group joins: MariaDB keeps none around `from a, b` and has them there when it has loaded
 * its own text. They are those right behind FROM, JOIN or another such one, unless a name follows, which makes it a derived table.
 */
export function withoutJoinGroups(sql: string): string {
  const tokens = sql.match(/'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|\w+|\s+|./gs) ?? [];
  const words = tokens.flatMap((token, i) => (token.trim() === '' ? [] : [i]));
  const dropped = new Set<number>();
  const open: { at: number; behind: number }[] = [];
  const pairs: { open: number; behind: number; close: number; next: string }[] = [];
  for (const [n, at] of words.entries()) {
    const behind = words[n - 1] ?? -1;
    if (tokens[at] === '(') open.push({ at, behind });
    const opened = tokens[at] === ')' ? open.pop() : undefined;
    const next = tokens[words[n + 1] ?? -1] ?? '';
    if (opened !== undefined) pairs.push({ open: opened.at, behind: opened.behind, close: at, next });
  }
  for (const { open: at, behind, close, next } of pairs.sort((a, b) => a.open - b.open)) {
    const groups = dropped.has(behind) || /^(?:from|\w*join)$/i.test(tokens[behind] ?? '');
    if (groups && !next.startsWith('`')) dropped.add(at).add(close);
  }
  return tokens.filter((_, i) => !dropped.has(i)).join('');
}

/** MySQL keeps what stood behind a body in a query of several statements, and a dump does not. */
export function withoutEnd(body: unknown): string {
  return String(body).replace(/[;\s]+$/, '');
}

/** Options of a table, but for those of Aria that a dump spells out where nobody had set them. */
export function withoutDefaults(options: unknown): string {
  if (typeof options !== 'string') return '';
  return options
    .replace(/\b(?:page_checksum|transactional)=\S+/gi, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A character set or a collation under the name that it had before releases told utf8 by its longer one. */
export function withoutMb3(name: unknown): unknown {
  return typeof name === 'string' ? name.replace(/^utf8mb3(?=_|$)/, 'utf8') : name;
}

/** MySQL 8.0.19 and later tell no width of an integer, which no value has; but that of a boolean, and with ZEROFILL. */
export function withoutWidth(type: unknown): unknown {
  if (typeof type !== 'string' || type === 'tinyint(1)' || type.includes('zerofill')) return type;
  return type.replace(/^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)/, '$1');
}

/** An expression as MySQL tells it: literals change their character set, and with it their spelling, when it is read from a dump. */
export function withPlainLiterals(expression: string): string {
  return expression.replace(/\b_\w+(?=\\*')/g, '').replace(/\\+0?/g, '');
}
