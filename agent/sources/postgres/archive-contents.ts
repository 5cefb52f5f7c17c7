import { describeError, HoldfastError } from '../../core/errors.ts';
import { createByteReader, skip, type ByteReader } from '../bytes/byte-reader.ts';
import { isKnown, readHead, readInt, readText, skipText, type Format } from './archive.ts';

/** One entry of an archive's table of contents. */
export interface Entry {
  id: number;
  /** Where the object stood when it was dumped: the oid of its catalog and its own there; `0` for what is in none. */
  catalog: string;
  oid: string;
  /** `TABLE`, `TABLE DATA`, `INDEX`, `FK CONSTRAINT`, … */
  kind: string;
  schema: string;
  /** Its name; for what belongs to a table, mostly the table's name, a blank, and its own. */
  tag: string;
  owner: string;
  dependencies: number[];
}

/** With what pg_restore makes of it. */
export interface WholeEntry extends Entry {
  /** Whether a block with rows follows the table of contents. */
  hasData: boolean;
  definition: string;
  /** The statement that would drop it. */
  drop: string;
  /** `COPY … FROM stdin;` */
  copy: string;
  tablespace: string;
  accessMethod: string;
}

export interface Peeked {
  /** Null where the archive's format is not known. */
  entries: WholeEntry[] | null;
  /** The whole archive, from its first byte. */
  archive: AsyncIterable<Buffer>;
  /** Ends whoever gives its bytes, where nobody will read them. */
  close(): Promise<void>;
}

/**
 * Reads the table of contents of an archive and gives the whole archive back. */
export async function peekContents(archive: AsyncIterable<Buffer>): Promise<Peeked> {
  const chunks = archive[Symbol.asyncIterator]();
  const reader = createByteReader();
  const scan = readEntries(reader);
  const read: Buffer[] = [];
  for (let step = scanned(scan); ; step = scanned(scan)) {
    if (step.done === true) {
      const close = async () => {
        await chunks.return?.();
      };
      return { entries: step.value, archive: replay(read, chunks), close };
    }
    const next = await chunks.next();
    if (next.done === true) {
      throw new HoldfastError('restore_failed', 'the archive ends in its table of contents', {
        hint: 'It is no whole dump of PostgreSQL: restore another snapshot.',
      });
    }
    read.push(next.value);
    // The reader may write into what it reads.
    reader.feed(Buffer.from(next.value));
  }
}

/** What is wrong with an archive that is being dumped is wrong with this one too, in words of a restore. */
function scanned(scan: ReturnType<typeof readEntries>): ReturnType<typeof scan.next> {
  try {
    return scan.next();
  } catch (cause) {
    const { message, hint } = describeError(cause);
    throw new HoldfastError('restore_failed', message, { cause, ...(hint === null ? {} : { hint }) });
  }
}

async function* replay(read: Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  let ended = false;
  try {
    yield* read;
    for (let next = await rest.next(); ; next = await rest.next()) {
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    if (!ended) await rest.return?.();
  }
}

function* readEntries(reader: ByteReader): Generator<void, WholeEntry[] | null> {
  return (yield* readContents(reader))?.entries ?? null;
}

/** Head and table of contents; null where the format is not known. */
export function* readContents(
  reader: ByteReader,
): Generator<void, { format: Format; entries: WholeEntry[] } | null> {
  const format = yield* readHead(reader);
  if (!isKnown(format)) return null;
  const entries: WholeEntry[] = [];
  for (let left = yield* readInt(reader, format); left > 0; left -= 1) {
    entries.push(yield* readEntry(reader, format));
  }
  return { format, entries };
}

function* readEntry(reader: ByteReader, format: Format): Generator<void, WholeEntry> {
  const entry = yield* readFields(reader, format);
  yield* skip(reader, 1 + format.offsetSize);
  return entry;
}

/** What an entry has in every format; what only one has comes after it. */
export function* readFields(reader: ByteReader, format: Format): Generator<void, WholeEntry> {
  const id = yield* readInt(reader, format);
  const body = yield* readBody(reader, format);
  const dependencies = yield* readDependencies(reader, format);
  return { id, ...body, dependencies };
}

/** What of an entry stands between its id and its dependencies. */
export function* readBody(
  reader: ByteReader,
  format: Format,
): Generator<void, Omit<WholeEntry, 'id' | 'dependencies'>> {
  const hasData = (yield* readInt(reader, format)) === 1;
  const catalog = (yield* readText(reader, format)) ?? '0';
  const oid = (yield* readText(reader, format)) ?? '0';
  const tag = (yield* readText(reader, format)) ?? '';
  const kind = (yield* readText(reader, format)) ?? '';
  yield* readInt(reader, format); // section
  const definition = (yield* readText(reader, format)) ?? '';
  const drop = (yield* readText(reader, format)) ?? '';
  const copy = (yield* readText(reader, format)) ?? '';
  const schema = (yield* readText(reader, format)) ?? '';
  const tablespace = (yield* readText(reader, format)) ?? '';
  const accessMethod = (yield* readText(reader, format)) ?? '';
  if (format.minor >= 16) yield* readInt(reader, format); // kind of relation
  const owner = (yield* readText(reader, format)) ?? '';
  yield* skipText(reader, format); // with oids
  const made = { definition, drop, copy, tablespace, accessMethod };
  return { catalog, oid, kind, schema, tag, owner, hasData, ...made };
}

/** The ids of the entries that it needs, up to where its place among the data is told. */
export function* readDependencies(reader: ByteReader, format: Format): Generator<void, number[]> {
  const dependencies: number[] = [];
  for (let text = yield* readText(reader, format); text !== null; text = yield* readText(reader, format)) {
    dependencies.push(Number(text));
  }
  return dependencies;
}
