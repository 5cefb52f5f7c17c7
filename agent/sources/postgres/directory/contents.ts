import { HoldfastError } from '../../../core/errors.ts';
import { createByteReader, type ByteReader } from '../../bytes/byte-reader.ts';
import { isKnown, readHead, readInt, readText } from '../archive.ts';
import { readFields, type WholeEntry } from '../archive-contents.ts';

/** The file with the table of contents. */
export const TOC = 'toc.dat';

/** An entry of a folder's table of contents. */
export interface FileEntry extends WholeEntry {
  /** The file with its rows; of large objects, the list of their files. Null where it has none. */
  file: string | null;
}

/**
 * Reads the table of contents of a folder (pg_dump's directory format), and changes the date in its first bytes as that of a streamed archive is
 * changed. Null where the format is not known. Throws `dump_incomplete` where it is cut short or none at all.
 */
export function readDirectoryContents(toc: Buffer): FileEntry[] | null {
  const reader = createByteReader();
  reader.feed(toc);
  const step = readAll(reader).next();
  if (step.done === true) return step.value;
  throw new HoldfastError('dump_incomplete', `${TOC} of the dump is cut short`, {
    hint: 'See the log of the database server, then back up again.',
  });
}

/** The same of one that is restored from: throws `restore_failed`, also where the format is not known. */
export async function contentsOf(toc: AsyncIterable<Buffer>): Promise<FileEntry[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of toc) chunks.push(chunk);
  let why = 'its format is not known';
  try {
    const entries = readDirectoryContents(Buffer.concat(chunks));
    if (entries !== null) return entries;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    why = error.message;
  }
  throw new HoldfastError('restore_failed', `the folder cannot be restored from: ${why}`, {
    hint: 'It is no whole dump of PostgreSQL: restore another snapshot.',
  });
}

function* readAll(reader: ByteReader): Generator<void, FileEntry[] | null> {
  const format = yield* readHead(reader);
  if (!isKnown(format)) return null;
  const entries: FileEntry[] = [];
  for (let left = yield* readInt(reader, format); left > 0; left -= 1) {
    const fields = yield* readFields(reader, format);
    const file = (yield* readText(reader, format)) ?? '';
    entries.push({ ...fields, file: fields.hasData && file !== '' ? file : null });
  }
  return entries;
}
