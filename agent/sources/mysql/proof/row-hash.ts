import { quoteName } from '../names.ts';
import type { Flavour } from '../session.ts';

/**
 * The first 64 bits of SHA-256 of the row's text. (Two CRC32 of different salts would be no more than one: whatever
 * leaves one as it is leaves the other too. MySQL 9.7 has neither MD5 nor SHA1.)
 */
export const METHOD = 'sha2-256/64 of the columns as text, UTC';

export interface HashedColumn {
  name: string;
  /** As information_schema has it: `varchar`. */
  type: string;
  nullable: boolean;
}

/** Whose text holds no `#`. */
const PLAIN = /^(?:(?:tiny|small|medium|big)?int|decimal|date|time|datetime|timestamp|year|uuid|inet[46])$/;
const HEX = /^(?:(?:multi)?(?:point|linestring|polygon)|geometry|geom(?:etry)?collection|vector)$/;

/** An SQL expression: an unsigned 64-bit number for each row. NULL where the row is too long for the server to put together. */
export function rowHash(columns: HashedColumn[], flavour: Flavour): string {
  return `CAST(CONV(LEFT(SHA2(${rowText(columns, flavour)}, 256), 16), 16, 10) AS UNSIGNED)`;
}

/**
 * The row as bytes that no other row has: CONCAT_WS leaves NULLs out, so each that may be NULL says whether it is; and of
 * several that may hold the separator the lengths stand behind.
 */
function rowText(columns: HashedColumn[], flavour: Flavour): string {
  const texts = columns.map((column) => ({ ...column, ...textOf(column, flavour) }));
  const lengths = texts.filter(({ any }) => any).slice(1);
  const parts = [
    ...texts.map(({ text }) => text),
    ...lengths.map(({ text }) => `LENGTH(${text})`),
    ...columns.filter(({ nullable }) => nullable).map(({ name }) => `ISNULL(${quoteName(name)})`),
  ];
  return parts.length === 0 ? "''" : `CONCAT_WS('#', ${parts.join(', ')})`;
}

/** `any`: it may hold any byte. Strings are taken as the bytes that they are stored in, or the columns' character sets would mix. */
function textOf({ name, type }: HashedColumn, flavour: Flavour): { text: string; any: boolean } {
  const column = quoteName(name);
  if (PLAIN.test(type)) return { text: column, any: false };
  if (type === 'float' || type === 'double') {
    // Dumped as text, so the text is what counts; and -0 is read as 0.
    return { text: `IF(${column} = 0, '0', CAST(${column} AS CHAR))`, any: false };
  }
  if (HEX.test(type)) return { text: `HEX(${column})`, any: false };
  if (type === 'bit') return { text: `${column} + 0`, any: false };
  if (type === 'json' && flavour === 'mysql') {
    return { text: `CAST(CAST(${column} AS CHAR CHARACTER SET utf8mb4) AS BINARY)`, any: true };
  }
  return { text: `CAST(${column} AS BINARY)`, any: true };
}
