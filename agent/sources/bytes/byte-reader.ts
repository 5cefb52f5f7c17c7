/** Bytes that come in chunks, to be read by a generator that yields whenever it needs the next chunk. */
export interface ByteReader {
  /** The next chunk. What was not read of the last one is kept in front of it. */
  feed(chunk: Buffer): void;
  left(): number;
  /** The next bytes, of which there must be enough. Where they lie within one chunk, they are that chunk's own memory. */
  next(length: number): Buffer;
}

export function createByteReader(): ByteReader {
  let held: Buffer = Buffer.alloc(0);
  let at = 0;
  return {
    feed: (chunk) => {
      held = at === held.length ? chunk : Buffer.concat([held.subarray(at), chunk]);
      at = 0;
    },
    left: () => held.length - at,
    next: (length) => held.subarray(at, (at += length)),
  };
}

export function* take(reader: ByteReader, length: number): Generator<void, Buffer> {
  while (reader.left() < length) yield;
  return reader.next(length);
}

export function* skip(reader: ByteReader, length: number): Generator<void, void> {
  let rest = length;
  for (;;) {
    const here = Math.min(rest, reader.left());
    reader.next(here);
    rest -= here;
    if (rest === 0) return;
    yield;
  }
}
