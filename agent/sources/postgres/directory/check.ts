import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import { END_OF_ROWS, unknownFormat } from '../archive.ts';
import { readDirectoryContents, TOC } from './contents.ts';

/** What is known of a dump in a folder. */
export interface Whole {
  files: number;
  bytes: number;
  /** Whose rows are in it, as `schema.table`. */
  tables: ReadonlySet<string>;
  /** Those of them that have no row in it. */
  empty: ReadonlySet<string>;
}

/**
 * Holds a folder against its own table of contents: each file that it names is there, ends as it must, and there is no other. Throws
 * `dump_incomplete` otherwise. The date in the first bytes is changed, with which no two of them would be alike.
 */
export async function requireWhole(folder: string): Promise<Whole> {
  const names = new Set(await readdir(folder));
  if (!names.has(TOC)) throw incomplete(`there is no ${TOC}`);
  const toc = await readFile(join(folder, TOC));
  const entries = readDirectoryContents(toc);
  if (entries === null) throw unknownFormat({ minor: toc[MINOR_AT] ?? 0 });
  await writeFile(join(folder, TOC), toc);
  const bytes = await sizesOf(folder, names);

  names.delete(TOC);
  const take = (name: string, of: string) => {
    if (!names.delete(name)) throw incomplete(`the file ${name} of ${of} is not there`);
  };
  const tables = new Set<string>();
  const empty = new Set<string>();
  let files = 1;
  for (const { file, kind, schema, tag, hasData } of entries) {
    if (kind === 'TABLE DATA') tables.add(`${schema}.${tag}`);
    if (file === null) {
      if (hasData) throw incomplete(`it names no file for the rows of ${schema}.${tag}`);
      continue;
    }
    const of = kind === 'TABLE DATA' ? `${schema}.${tag}` : kind.toLowerCase();
    take(file, of);
    files += 1;
    if (kind === 'TABLE DATA') {
      const size = await requireEndOfRows(join(folder, file), of);
      if (size <= END_OF_ROWS.length) empty.add(of);
    } else if (file.endsWith('.toc')) {
      for (const name of await listedIn(join(folder, file))) {
        take(name, of);
        files += 1;
      }
    }
  }
  const [stranger] = names;
  if (stranger !== undefined) throw incomplete(`its table of contents does not name the file ${stranger}`);
  return { files, bytes, tables, empty };
}

/** Behind `PGDMP` and the major number of the format. */
const MINOR_AT = 6;

async function sizesOf(folder: string, names: Set<string>): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

/** Returns how long the file is. */
async function requireEndOfRows(path: string, table: string): Promise<number> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - END_OF_ROWS.length);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(END_OF_ROWS.length),
      0,
      END_OF_ROWS.length,
      from,
    );
    if (buffer.toString('latin1', 0, bytesRead) !== END_OF_ROWS)
      throw incomplete(`the rows of ${table} do not end`);
    return size;
  } finally {
    await file.close();
  }
}

/** Files of large objects: `16397 blob_16397.dat`, one a line. */
async function listedIn(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  if (lines.pop() !== '') throw incomplete('the list of its large objects is cut short');
  return lines.map((line) => line.slice(line.indexOf(' ') + 1));
}

function incomplete(why: string): HoldfastError {
  return new HoldfastError('dump_incomplete', `the folder of pg_dump is not whole: ${why}`, {
    hint: 'The dump was cut short: see the log of the database server, then back up again.',
  });
}
