import { createHash } from 'node:crypto';
import type { ObjectProof } from '../../../proof/proof.ts';
import { quoteName } from '../names.ts';

/** Collects definitions of objects, each of one row or several, and hashes them. */
export interface Definitions {
  /** Adds what belongs to an object's definition, in order. */
  add(kind: string, name: string, values: unknown[]): void;
  /** By kind and name. */
  hashed(): ObjectProof[];
}

export function collectDefinitions(): Definitions {
  const found = new Map<string, { kind: string; name: string; rows: unknown[][] }>();
  return {
    add: (kind, name, values) => {
      const key = `${kind}\0${name}`;
      const object = found.get(key) ?? { kind, name, rows: [] };
      object.rows.push(values.map((value) => (value === null || value === undefined ? null : String(value))));
      found.set(key, object);
    },
    hashed: () =>
      [...found.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { kind, name, rows }]) => ({
          kind,
          name,
          hash: createHash('sha256').update(JSON.stringify(rows)).digest('hex'),
        })),
  };
}

/** A view's text without the name of the database that it stands in, which a restore may change. */
export function withoutDatabase(sql: string, database: string): string {
  const prefix = `${quoteName(database)}.`;
  return sql.replace(/'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`\.?/gs, (token) => (token === prefix ? '' : token));
}

/** MySQL keeps what stood behind a body in a query of several statements, and a dump does not. */
export function withoutEnd(body: unknown): string {
  return String(body).replace(/[;\s]+$/, '');
}

/** Options of a table, but for those of Aria that a dump spells out where nobody had set them. */
export function withoutDefaults(options: unknown): string {
  return String(options ?? '')
    .replace(/\b(?:page_checksum|transactional)=\S+/gi, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** An expression as MySQL tells it: literals change their character set, and with it their spelling, when it is read from a dump. */
export function withPlainLiterals(expression: string): string {
  return expression.replace(/\b_\w+(?=\\*')/g, '').replace(/\\+0?/g, '');
}
