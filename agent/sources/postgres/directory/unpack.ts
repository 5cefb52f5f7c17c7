import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createByteReader, skip, take, type ByteReader } from '../../bytes/byte-reader.ts';
import { BLOCK_DATA, BLOCK_LARGE_OBJECTS, isKnown, readHead, readInt, type Format } from '../archive.ts';
import { readFields } from '../archive-contents.ts';
import { advance, broken, readPieces } from '../open-archive.ts';
import { TOC, type FileEntry } from './contents.ts';

/**
 * Writes a custom archive into a folder as pg_dump's directory format has it, which pg_restore reads in any order. Throws `restore_failed` where the
 * archive is not whole, and what its stream throws.
 */
export async function unpackArchive(dump: AsyncIterable<Buffer>, folder: string): Promise<FileEntry[]> {
  const chunks = dump[Symbol.asyncIterator]();
  try {
    return await unpack(chunks, folder);
  } finally {
    await chunks.return?.();
  }
}

interface Input {
  reader: ByteReader;
  /** The next chunk; false at the end. */
  more(): Promise<boolean>;
}

async function unpack(chunks: AsyncIterator<Buffer>, folder: string): Promise<FileEntry[]> {
  const reader = createByteReader();
  const more = async () => {
    const next = await chunks.next();
    if (next.done === true) return false;
    // The reader may write into what it reads.
    reader.feed(Buffer.from(next.value));
    return true;
  };
  const input = { reader, more };
  const contents = await drive(input, copyContents(reader), 'its table of contents');
  if (contents === null) throw broken('its format is not known');
  const { format, entries, toc } = contents;
  await writeFile(join(folder, TOC), toc, { mode: 0o600 });
  const awaited = new Map(entries.flatMap((entry) => (entry.file === null ? [] : [[entry.id, entry]])));
  while (reader.left() > 0 || (await more())) {
    const type = (await drive(input, take(reader, 1), 'the head of a block'))[0];
    const id = await drive(input, readInt(reader, format), 'the head of a block');
    const entry = awaited.get(id);
    if (entry === undefined) throw broken(`it holds a block (${id}) that its contents do not name`);
    const where = `the rows of ${entry.schema}.${entry.tag}`;
    const path = join(folder, entry.file ?? '');
    if (type === BLOCK_DATA) await writePieces(input, format, { path, where });
    else if (type === BLOCK_LARGE_OBJECTS) await writeLargeObjects(input, format, { path, folder });
    else throw broken(`it holds a block of unknown type ${type}`);
    awaited.delete(id);
  }
  const [missing] = awaited.values();
  if (missing !== undefined) throw broken(`the rows of ${missing.schema}.${missing.tag} are not in it`);
  return entries;
}

/** The directory format is marked as that of tar, with which it shares its table of contents. */
const DIRECTORY = 3;
const FORMAT_AT = 10;

/** Copies head and table of contents; in the place of where an entry's rows stand comes the name of their file. */
function* copyContents(
  reader: ByteReader,
): Generator<void, { format: Format; entries: FileEntry[]; toc: Buffer } | null> {
  const out: Buffer[] = [];
  const copying: ByteReader = {
    ...reader,
    next: (length) => {
      const bytes = reader.next(length);
      out.push(Buffer.from(bytes));
      return bytes;
    },
  };
  const format = yield* readHead(copying);
  if (!isKnown(format)) return null;
  const entries: FileEntry[] = [];
  for (let left = yield* readInt(copying, format); left > 0; left -= 1) {
    const fields = yield* readFields(copying, format);
    yield* skip(reader, 1 + format.offsetSize);
    const file = fields.hasData ? nameFor(fields, format) : null;
    out.push(textOf(file ?? '', format));
    entries.push({ ...fields, file });
  }
  const toc = Buffer.concat(out);
  toc[FORMAT_AT] = DIRECTORY;
  return { format, entries, toc };
}

/** Before 17, pg_restore looks for large objects under one name, whatever the table of contents says. */
function nameFor({ id, kind }: { id: number; kind: string }, { minor }: Format): string {
  if (kind !== 'BLOBS') return `${id}.dat`;
  return minor < 16 ? 'blobs.toc' : `blobs_${id}.toc`;
}

/** A sign byte, the length with its lowest byte first, and the text. */
function textOf(text: string, format: Format): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(1 + format.intSize);
  length.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([length, bytes]);
}

async function writePieces(
  input: Input,
  format: Format,
  { path, where }: { path: string; where: string },
): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await writeInto(file, input, format, where);
  } finally {
    await file.close();
  }
}

async function writeInto(file: FileHandle, input: Input, format: Format, where: string): Promise<void> {
  const out: Buffer[] = [];
  const scan = readPieces(input.reader, format, out);
  for (;;) {
    const step = advance(scan);
    if (out.length > 0) await file.writev(out.splice(0));
    if (step.done === true) return;
    if (!(await input.more())) throw broken(`it ends in ${where}`);
  }
}

async function writeLargeObjects(
  input: Input,
  format: Format,
  { path, folder }: { path: string; folder: string },
): Promise<void> {
  const where = 'the large objects';
  const list: string[] = [];
  for (;;) {
    const oid = await drive(input, readInt(input.reader, format), where);
    if (oid === 0) break;
    const name = `blob_${oid}.dat`;
    await writePieces(input, format, { path: join(folder, name), where });
    list.push(`${oid} ${name}\n`);
  }
  await writeFile(path, list.join(''), { mode: 0o600 });
}

async function drive<T>(input: Input, scan: Generator<void, T>, where: string): Promise<T> {
  for (;;) {
    const step = advance(scan);
    if (step.done === true) return step.value;
    if (!(await input.more())) throw broken(`it ends in ${where}`);
  }
}
