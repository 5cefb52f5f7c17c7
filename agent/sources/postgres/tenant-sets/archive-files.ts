import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { BLOCK_DATA, type Format } from '../archive.ts';
import { rewriteEntry, writeInt } from './rewrite.ts';
import { cannot, type SplitEntry, type SplitSink } from './split.ts';
import type { Part } from './owners-of-entries.ts';

export interface ArchiveFiles {
  sink: SplitSink;
  /** Whose data has begun and not ended; null for none's. */
  current(): number | null;
  /** Writes what has come so far. To be awaited between two chunks, or memory holds them all. */
  drain(): Promise<void>;
  /** Closes what is open; the bytes of each archive, in the order of the paths. */
  end(): Promise<number[]>;
}

/**
 * Writes one archive for each of some schemas, as pg_restore reads it: the head, the entries of its own under numbers of their own (those of
 * pg_dump count all that the database holds, and another tenant's new table would change them), and its data. The contents go
 * through a file, since those of thousands of tenants do not fit into memory.
 */
export function createArchiveFiles(
  paths: string[],
  partOf: (entry: SplitEntry) => Part,
  /** A file for the contents meanwhile. */
  spool: string,
): ArchiveFiles {
  const entries: Entries = {
    at: [],
    size: [],
    dependencies: [],
    part: [],
    number: [],
    byId: new Map(),
    withData: new Set(),
  };
  const ofEach: number[] = [];
  const lists: number[][] = paths.map(() => []);
  const sizes: number[] = paths.map(() => 0);
  const state: { head: { bytes: Buffer; format: Format } | null; pending: Buffer[]; spooled: number } = {
    ...{ head: null, pending: [], spooled: 0 },
  };
  const queue: { archive: number; pieces: Buffer[] }[] = [];
  const files = createWriter(paths, sizes);
  let begun: number | null = null;
  let spoolFile: FileHandle | null = null;

  const put = (archive: number, piece: Buffer) => {
    const last = queue.at(-1);
    if (last?.archive === archive) last.pieces.push(piece);
    else queue.push({ archive, pieces: [piece] });
  };
  const sink: SplitSink = {
    entry: (entry, bytes) => {
      const part = partOf(entry);
      if (part === null) throw cannot(`${entry.kind} ${entry.tag} is no tenant's`);
      const index = entries.at.length;
      entries.byId.set(entry.id, index);
      if (entry.hasData) entries.withData.add(index);
      entries.at.push(state.spooled);
      entries.size.push(bytes.length);
      entries.dependencies.push(entry.at);
      entries.part.push(part === 'each' ? -1 : part);
      (part === 'each' ? ofEach : lists[part])?.push(index);
      state.spooled += bytes.length;
      state.pending.push(bytes);
    },
    contentsEnd: (bytes, format) => {
      ofEach.forEach((index, i) => (entries.number[index] = i + 1));
      for (const list of lists) list.forEach((index, i) => (entries.number[index] = ofEach.length + i + 1));
      state.head = { bytes, format };
    },
    dataBegin: (id) => {
      const index = entries.byId.get(id);
      const archive = index === undefined ? -1 : (entries.part[index] ?? -1);
      if (index === undefined || archive === -1 || state.head === null)
        throw cannot(`it holds data (${id}) of nothing that its contents name`);
      begun = archive;
      const { format } = state.head;
      put(archive, Buffer.concat([Buffer.from([BLOCK_DATA]), writeInt(entries.number[index] ?? 0, format)]));
    },
    data: (bytes) => put(begun ?? 0, bytes),
    dataEnd: () => (begun = null),
  };
  const spoolPending = async () => {
    if (state.pending.length === 0) return;
    spoolFile ??= await open(spool, 'w', 0o600);
    await spoolFile.writev(state.pending.splice(0));
  };
  let headsWritten = false;
  const writeHeads = async ({ bytes, format }: { bytes: Buffer; format: Format }) => {
    headsWritten = true;
    await spoolFile?.close();
    const fd = openSync(spool, 'r');
    try {
      for (const [archive, list] of lists.entries()) {
        const own = [...ofEach, ...list];
        const isOwn = (index: number) => [-1, archive].includes(entries.part[index] ?? -2);
        const contents = own.map((index) => {
          const entry = Buffer.alloc(entries.size[index] ?? 0);
          readSync(fd, entry, 0, entry.length, entries.at[index] ?? 0);
          return rewriteEntry(entry, {
            hasData: entries.withData.has(index),
            ...{ format, number: entries.number[index] ?? 0, at: entries.dependencies[index] ?? 0 },
            numberOf: (id) => {
              const other = entries.byId.get(id);
              return other !== undefined && isOwn(other) ? (entries.number[other] ?? null) : null;
            },
          });
        });
        await files.write(archive, [bytes, writeInt(own.length, format), ...contents]);
      }
    } finally {
      closeSync(fd);
      await rm(spool, { force: true });
    }
  };
  return {
    sink,
    current: () => begun,
    drain: async () => {
      await spoolPending();
      if (state.head !== null && !headsWritten) await writeHeads(state.head);
      for (const { archive, pieces } of queue.splice(0)) await files.write(archive, pieces);
    },
    end: async () => {
      await files.close();
      return sizes;
    },
  };
}

/** Of all entries, by their place in the contents: a number each, for there are many. */
interface Entries {
  at: number[];
  size: number[];
  dependencies: number[];
  /** -1: of each archive. */
  part: number[];
  /** Its id in its archive. */
  number: number[];
  byId: Map<number, number>;
  withData: Set<number>;
}

/** Appends to many files, of which one is open: data comes table by table, and the tables of a schema mostly in a row. */
function createWriter(paths: string[], sizes: number[]) {
  let current: { archive: number; file: FileHandle } | null = null;
  const close = async () => {
    const one = current;
    current = null;
    await one?.file.close();
  };
  return {
    close,
    write: async (archive: number, pieces: Buffer[]) => {
      if (current?.archive !== archive) {
        await close();
        current = { archive, file: await open(paths[archive] ?? '', 'a', 0o600) };
      }
      const whole = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
      if (whole === undefined) return;
      await current.file.appendFile(whole);
      sizes[archive] = (sizes[archive] ?? 0) + whole.length;
    },
  };
}
