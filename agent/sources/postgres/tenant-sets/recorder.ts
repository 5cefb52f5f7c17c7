import type { ByteReader } from '../../bytes/byte-reader.ts';

/** A reader that keeps what is read by it, until it is taken. */
export interface Recorder extends ByteReader {
  /** The bytes that were read since it was last asked. */
  taken(): Buffer;
  /** How many those are so far. */
  length(): number;
}

export function createRecorder(reader: ByteReader): Recorder {
  let kept: Buffer[] = [];
  let bytes = 0;
  return {
    feed: reader.feed,
    left: reader.left,
    next: (length) => {
      const read = reader.next(length);
      kept.push(read);
      bytes += read.length;
      return read;
    },
    length: () => bytes,
    taken: () => {
      const all = Buffer.concat(kept);
      kept = [];
      bytes = 0;
      return all;
    },
  };
}
