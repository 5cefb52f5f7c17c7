import { createByteReader, take, type ByteReader } from '../../bytes/byte-reader.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { BLOCK_DATA, isKnown, readHead, readInt, type Format } from '../archive.ts';
import { readBody, readDependencies, type WholeEntry } from '../archive-contents.ts';
import { createRecorder } from './recorder.ts';

/** Where the parts of a split archive go. Called in the order of the archive; what it throws ends the split. */
export interface SplitSink {
  /** An entry of the table of contents, as it stood; `at` is where its dependencies begin in it. */
  entry(entry: SplitEntry, bytes: Buffer): void;
  /** The table of contents is over; behind it only data comes. */
  contentsEnd(head: Buffer, format: Format): void;
  /** The data of an entry begins, goes on, ends. */
  dataBegin(id: number): void;
  data(bytes: Buffer): void;
  dataEnd(): void;
}

export type SplitEntry = Pick<WholeEntry, 'id' | 'kind' | 'schema' | 'tag' | 'hasData' | 'dependencies'> & {
  /** Where its dependencies begin in its bytes. */
  at: number;
};

/**
 * Takes an archive of pg_dump (custom format, uncompressed) apart as it passes: its bytes go to the sink as they stood. Whether it is whole, an
 * `ArchiveFilter` before it says. Throws `dump_failed` for what cannot be taken apart: then nothing of it may be used.
 */
export function createSplitter(sink: SplitSink): { push(chunk: Buffer): void } {
  const reader = createByteReader();
  const scan = split(reader, sink);
  scan.next();
  return {
    push: (chunk) => {
      reader.feed(chunk);
      scan.next();
    },
  };
}

function* split(reader: ByteReader, sink: SplitSink): Generator<void, void> {
  const recorder = createRecorder(reader);
  const format = yield* readHead(recorder);
  if (!isKnown(format)) throw cannot(`its format 1.${format.minor} is not known`);
  const head = recorder.taken();
  const entries = yield* readInt(reader, format);
  for (let left = entries; left > 0; left -= 1) {
    const id = yield* readInt(recorder, format);
    const { kind, schema, tag, hasData } = yield* readBody(recorder, format);
    const at = recorder.length();
    const dependencies = yield* readDependencies(recorder, format);
    yield* take(recorder, 1 + format.offsetSize);
    sink.entry({ id, kind, schema, tag, hasData, dependencies, at }, recorder.taken());
  }
  sink.contentsEnd(head, format);
  for (;;) yield* splitBlock(reader, format, sink);
}

function* splitBlock(reader: ByteReader, format: Format, sink: SplitSink): Generator<void, void> {
  const type = (yield* take(reader, 1))[0];
  if (type !== BLOCK_DATA) throw cannot(`it holds a block of type ${type}`);
  sink.dataBegin(yield* readInt(reader, format));
  const run = createRun(sink);
  const headSize = 1 + format.intSize;
  for (;;) {
    // A head that reaches into the next chunk comes as memory of its own.
    if (reader.left() < headSize) run.flush();
    const head = yield* take(reader, headSize);
    run.add(head);
    let length = lengthIn(head);
    if (length === 0) break;
    while (length > 0) {
      if (reader.left() === 0) {
        run.flush();
        yield;
      }
      const piece = reader.next(Math.min(length, reader.left()));
      length -= piece.length;
      run.add(piece);
    }
  }
  run.flush();
  sink.dataEnd();
}

/** Neighbours in memory go on as one: an uncompressed archive has two pieces for every row. */
function createRun(sink: SplitSink): { add(piece: Buffer): void; flush(): void } {
  let run: Buffer | null = null;
  const flush = () => {
    if (run !== null) sink.data(run);
    run = null;
  };
  return {
    add: (piece) => {
      if (piece.length === 0) return;
      if (run !== null && run.buffer === piece.buffer && run.byteOffset + run.length === piece.byteOffset) {
        run = Buffer.from(run.buffer, run.byteOffset, run.length + piece.length);
        return;
      }
      flush();
      run = piece;
    },
    flush,
  };
}

/** Of a chunk, never negative: a sign byte, then the lowest byte first. */
function lengthIn(head: Buffer): number {
  return head.readUIntLE(1, head.length - 1);
}

/** It is no fault of any tenant: another pass would end the same. */
export class CannotSplitError extends HoldfastError {
  constructor(why: string) {
    super('dump_failed', `the archive of all tenants cannot be taken apart: ${why}`);
  }
}

export function cannot(why: string): HoldfastError {
  return new CannotSplitError(why);
}
