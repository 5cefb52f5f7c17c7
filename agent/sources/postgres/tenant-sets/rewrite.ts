import type { Format } from '../archive.ts';

export interface Rewriting {
  format: Format;
  /** Its new id. */
  number: number;
  /** Where its dependencies begin. */
  at: number;
  /** Data belongs to the first of its dependencies; those of anything else come in any order. */
  hasData: boolean;
  /** The new id of another entry; null for one that is not in the archive. */
  numberOf: (id: number) => number | null;
}

/**
 * An entry of a table of contents with other ids; dependencies on what is not in the archive are left out, as pg_restore would, and the
 * others sorted: pg_dump has them as the server happened to give them.
 */
export function rewriteEntry(bytes: Buffer, { format, number, at, hasData, numberOf }: Rewriting): Buffer {
  const int = 1 + format.intSize;
  const dependencies: number[] = [];
  let place = at;
  for (;;) {
    const negative = bytes[place] !== 0;
    const length = bytes.readUIntLE(place + 1, format.intSize);
    place += int;
    if (negative) break;
    const other = numberOf(Number(bytes.toString('latin1', place, place + length)));
    place += length;
    if (other !== null) dependencies.push(other);
  }
  if (!hasData) dependencies.sort((one, other) => one - other);
  return Buffer.concat([
    writeInt(number, format),
    bytes.subarray(int, at),
    ...dependencies.flatMap((id) => [writeInt(String(id).length, format), Buffer.from(String(id))]),
    writeInt(-1, format),
    bytes.subarray(place),
  ]);
}

/** A sign byte, then the lowest byte first. */
export function writeInt(value: number, { intSize }: Format): Buffer {
  const bytes = Buffer.alloc(1 + intSize);
  if (value < 0) bytes[0] = 1;
  bytes.writeUIntLE(Math.abs(value), 1, intSize);
  return bytes;
}
