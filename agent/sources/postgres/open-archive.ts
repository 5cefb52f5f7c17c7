import { describeError, HoldfastError } from '../../core/errors.ts';
import { createByteReader, skip, take, type ByteReader } from '../bytes/byte-reader.ts';
import { BLOCK_DATA, BLOCK_LARGE_OBJECTS, readInt, type Format } from './archive.ts';
import { readContents, type WholeEntry } from './archive-contents.ts';

/** An archive whose table of contents is read, and whose rows come when they are asked for. */
export interface OpenArchive {
  entries: WholeEntry[];
  /**
   * The rows of one entry, as `COPY` takes them. To be asked for, and read to their end, in the order of the contents; what lies between is
   * passed over. Throws `restore_failed` where they are not there.
   */
  rowsOf(entry: WholeEntry): AsyncGenerator<Buffer>;
  /** Ends whoever gives the bytes. */
  close(): Promise<void>;
}

/** Reads the table of contents of a custom archive. Throws `restore_failed` for what is none, or of a format that is not known. */
export async function openArchive(dump: AsyncIterable<Buffer>): Promise<OpenArchive> {
  const chunks = dump[Symbol.asyncIterator]();
  const close = async () => {
    await chunks.return?.();
  };
  const reader = createByteReader();
  const more = async (where: string) => {
    const next = await chunks.next();
    if (next.done === true) throw broken(`it ends in ${where}`);
    // The reader may write into what it reads.
    reader.feed(Buffer.from(next.value));
  };
  try {
    const contents = await read(readContents(reader), () => more('its table of contents'));
    if (contents === null) throw broken('its format is not known');
    const { format, entries } = contents;
    return { entries, close, rowsOf: (entry) => rowsOf(entry, { reader, format, more }) };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Blocks {
  reader: ByteReader;
  format: Format;
  more: (where: string) => Promise<void>;
}

async function* rowsOf(entry: WholeEntry, { reader, format, more }: Blocks): AsyncGenerator<Buffer> {
  const where = `the rows of ${entry.schema}.${entry.tag}`;
  const out: Buffer[] = [];
  const scan = readUntil(reader, format, entry.id, out);
  for (;;) {
    const step = advance(scan);
    // An uncompressed archive has a piece for every row: they go on together.
    if (out.length > 0) yield Buffer.concat(out.splice(0));
    if (step.done === true) return;
    await more(where);
  }
}

/** Passes over blocks until the one with this id, and puts its bytes into `out`. */
function* readUntil(
  reader: ByteReader,
  format: Format,
  wanted: number,
  out: Buffer[],
): Generator<void, void> {
  for (;;) {
    const type = (yield* take(reader, 1))[0];
    const id = yield* readInt(reader, format);
    if (type === BLOCK_LARGE_OBJECTS) {
      while ((yield* readInt(reader, format)) !== 0) yield* readPieces(reader, format, null);
    } else if (type === BLOCK_DATA) {
      yield* readPieces(reader, format, id === wanted ? out : null);
    } else throw broken(`it holds a block of unknown type ${type}`);
    if (id === wanted) return;
  }
}

/** The pieces of one block to its end, put into `out`; passed over for null. */
export function* readPieces(reader: ByteReader, format: Format, out: Buffer[] | null): Generator<void, void> {
  for (;;) {
    let length = yield* readInt(reader, format);
    if (length === 0) return;
    if (out === null) yield* skip(reader, length);
    else
      while (length > 0) {
        if (reader.left() === 0) yield;
        const piece = reader.next(Math.min(length, reader.left()));
        length -= piece.length;
        out.push(piece);
      }
  }
}

async function read<T>(scan: Generator<void, T>, more: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = advance(scan);
    if (step.done === true) return step.value;
    await more();
  }
}

/** What is wrong with an archive that is being dumped is wrong with this one too, in words of a restore. */
export function advance<T>(scan: Generator<void, T>): IteratorResult<void, T> {
  try {
    return scan.next();
  } catch (cause) {
    const { message, hint } = describeError(cause);
    throw new HoldfastError('restore_failed', message, { cause, ...(hint === null ? {} : { hint }) });
  }
}

export function broken(why: string): HoldfastError {
  return new HoldfastError('restore_failed', `the archive cannot be restored from: ${why}`, {
    hint: 'It is no whole dump of PostgreSQL: restore another snapshot.',
  });
}
