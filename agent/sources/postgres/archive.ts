import { HoldfastError } from '../../core/errors.ts';
import { createByteReader, skip, take, type ByteReader } from '../bytes/byte-reader.ts';
import type { ByteFilter } from '../bytes/line-rewriter.ts';

/**
 * Reads a pg_dump archive (custom format) as it passes: head, table of contents, data blocks. Throws `dump_incomplete` for a format that is not known. An archive written into a pipe has
 * no end mark, but its contents name every block that must follow, and every block ends with an empty chunk: all blocks
 * there and the last byte at a block's end is a whole archive; anything else is not.
 */
export interface ArchiveFilter extends ByteFilter {
  /** Tables whose data is in it, as `schema.table`. */
  readonly tables: ReadonlySet<string>;
  /** Those of them that have no row in it. */
  readonly empty: ReadonlySet<string>;
  /** Throws `dump_incomplete` when the archive is not whole. */
  requireEnd(): void;
}

interface State {
  tables: Set<string>;
  empty: Set<string>;
  /** Ids of contents entries whose data has not come yet. */
  awaited: Map<number, string>;
  /** What is being read: said when the archive ends there. */
  place: string;
}

/** Archive formats of pg_dump 12 (1.14) to 18 (1.16). */
const OLDEST_FORMAT = 14;
const NEWEST_FORMAT = 16;
/** More than the head takes: a name of 63 characters, two versions, a few numbers. */
const HEAD_BYTES = 2048;
const BETWEEN_BLOCKS = 'between two blocks';
/** How the rows of a table end: with the end mark of COPY, and two empty lines. */
export const END_OF_ROWS = '\\.\n\n\n';
export const BLOCK_DATA = 1;
export const BLOCK_LARGE_OBJECTS = 3;

/** `onData` is told of each entry's data as it begins, by the entry's id. */
export function createArchiveFilter(onData: (id: number) => void = () => undefined): ArchiveFilter {
  const reader = createByteReader();
  const state: State = {
    tables: new Set(),
    empty: new Set(),
    awaited: new Map(),
    place: 'its head',
  };
  const scan = readArchive(reader, state, onData);
  /** Waits until the whole head is there, because the scan changes the date where it stands. */
  let head: Buffer | null = Buffer.alloc(0);
  const pass = (bytes: Buffer): Buffer[] => {
    head = null;
    reader.feed(bytes);
    scan.next();
    return [bytes];
  };
  return {
    tables: state.tables,
    empty: state.empty,
    push: (chunk) => {
      if (head === null) return pass(chunk);
      head = Buffer.concat([head, chunk]);
      return head.length < HEAD_BYTES ? [] : pass(head);
    },
    end: () => (head === null ? [] : pass(head)),
    requireEnd: () => {
      const [missing] = state.awaited.values();
      if (state.place !== BETWEEN_BLOCKS) throw incomplete(`it ends in ${state.place}`);
      if (missing !== undefined) throw incomplete(`the data of ${missing} is not in it`);
    },
  };
}

function* readArchive(reader: ByteReader, state: State, onData: (id: number) => void): Generator<void, void> {
  const format = yield* readHead(reader);
  if (!isKnown(format)) throw unknownFormat(format);
  state.place = 'its table of contents';
  const entries = yield* readInt(reader, format);
  for (let i = 0; i < entries; i += 1) yield* readEntry(reader, format, state);
  for (;;) {
    state.place = BETWEEN_BLOCKS;
    yield* readBlock(reader, format, state, onData);
  }
}

export function isKnown({ minor }: Format): boolean {
  return minor >= OLDEST_FORMAT && minor <= NEWEST_FORMAT;
}

export interface Format {
  minor: number;
  intSize: number;
  offsetSize: number;
}

export function* readHead(reader: ByteReader): Generator<void, Format> {
  const magic = yield* take(reader, 5);
  if (magic.toString('latin1') !== 'PGDMP') throw incomplete('it is no archive of pg_dump');
  const head = yield* take(reader, 6);
  const [, minor = 0, , intSize = 0, offsetSize = 0] = head;
  const format = { minor, intSize, offsetSize };
  if (!isKnown(format)) return format;
  // Compression: an integer, since 1.15 the number of an algorithm.
  yield* skip(reader, minor >= 15 ? 1 : 1 + intSize);
  yield* fixDate(reader, format);
  // Database, versions of server and client.
  for (let i = 0; i < 3; i += 1) yield* skipText(reader, format);
  return format;
}

/**
 * The date of the dump stands in the first bytes: with it, no two dumps would begin alike.
 * It becomes 1 January 2000, 00:00:00 (seconds, minutes, hours, day, month from 0, year from 1900, daylight saving).
 */
function* fixDate(reader: ByteReader, format: Format): Generator<void, void> {
  for (const value of [0, 0, 0, 1, 0, 100, 0]) {
    const bytes = yield* take(reader, 1 + format.intSize);
    bytes.fill(0);
    bytes[1] = value;
  }
}

function* readEntry(reader: ByteReader, format: Format, state: State): Generator<void, void> {
  const id = yield* readInt(reader, format);
  const hasData = (yield* readInt(reader, format)) === 1;
  yield* skipText(reader, format); // catalog
  yield* skipText(reader, format); // oid
  const tag = (yield* readText(reader, format)) ?? '';
  const description = (yield* readText(reader, format)) ?? '';
  yield* readInt(reader, format); // section
  yield* skipText(reader, format); // definition
  yield* skipText(reader, format); // drop
  yield* skipText(reader, format); // copy
  const schema = (yield* readText(reader, format)) ?? '';
  yield* skipText(reader, format); // tablespace
  yield* skipText(reader, format); // access method
  if (format.minor >= 16) yield* readInt(reader, format); // kind of relation
  yield* skipText(reader, format); // owner
  yield* skipText(reader, format); // with oids
  while ((yield* skipText(reader, format)) !== null); // dependencies
  yield* skip(reader, 1 + format.offsetSize);
  if (description === 'TABLE DATA') state.tables.add(`${schema}.${tag}`);
  if (hasData)
    state.awaited.set(id, description === 'TABLE DATA' ? `${schema}.${tag}` : `${description} ${tag}`);
}

function* readBlock(
  reader: ByteReader,
  format: Format,
  state: State,
  onData: (id: number) => void,
): Generator<void, void> {
  const type = (yield* take(reader, 1))[0];
  state.place = 'the head of a block';
  const id = yield* readInt(reader, format);
  const name = state.awaited.get(id);
  if (name === undefined) throw incomplete(`it holds a block (${id}) that its contents do not name`);
  state.place = `the data of ${name}`;
  onData(id);
  if (type === BLOCK_LARGE_OBJECTS) {
    while ((yield* readInt(reader, format)) !== 0) yield* skipChunks(reader, format);
  } else if (type === BLOCK_DATA) {
    const length = yield* skipChunks(reader, format);
    if (length <= END_OF_ROWS.length && state.tables.has(name)) state.empty.add(name);
  } else {
    throw incomplete(`it holds a block of unknown type ${type}`);
  }
  state.awaited.delete(id);
}

/** Uncompressed archives have a chunk for every row: this loop is the hot one. Returns how long they are together. */
function* skipChunks(reader: ByteReader, format: Format): Generator<void, number> {
  const head = 1 + format.intSize;
  let total = 0;
  for (;;) {
    let length = reader.left() >= head ? decodeInt(reader.next(head)) : yield* readInt(reader, format);
    if (length === 0) return total;
    total += length;
    const here = Math.min(length, reader.left());
    reader.next(here);
    length -= here;
    if (length > 0) yield* skip(reader, length);
  }
}

export function* readInt(reader: ByteReader, format: Format): Generator<void, number> {
  return decodeInt(yield* take(reader, 1 + format.intSize));
}

/** A sign byte, then the lowest byte first. */
function decodeInt(bytes: Buffer): number {
  const value = bytes.length === 5 ? bytes.readUInt32LE(1) : bytes.readUIntLE(1, bytes.length - 1);
  return bytes[0] === 0 ? value : -value;
}

export function* readText(reader: ByteReader, format: Format): Generator<void, string | null> {
  const length = yield* readInt(reader, format);
  return length < 0 ? null : (yield* take(reader, length)).toString('utf8');
}

/** Its length; null for none. */
export function* skipText(reader: ByteReader, format: Format): Generator<void, number | null> {
  const length = yield* readInt(reader, format);
  if (length < 0) return null;
  yield* skip(reader, length);
  return length;
}

/** What cannot be told to be whole is not taken for it. */
export function unknownFormat({ minor }: Pick<Format, 'minor'>): HoldfastError {
  return new HoldfastError(
    'dump_incomplete',
    `whether the dump is whole cannot be told: pg_dump wrote it in its format 1.${minor}`,
    { hint: 'Update Holdfast: this one reads what pg_dump 12 to 18 write.' },
  );
}

function incomplete(why: string): HoldfastError {
  return new HoldfastError('dump_incomplete', `the archive of pg_dump is not whole: ${why}`, {
    hint: 'The dump was cut short: see the log of the database server, then back up again.',
  });
}
