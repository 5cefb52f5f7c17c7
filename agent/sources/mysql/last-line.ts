/** Watches a dump pass, for the line that its client writes when it is done. */
export interface LastLine {
  push(chunk: Buffer): void;
  /** Whether what has passed ends with it. Without it the dump was cut short, also where every statement of it is whole. */
  isThere(): boolean;
}

const TAIL_BYTES = 256;
const LAST_LINE = /\n-- Dump completed(?: on [^\n]*)?\n$/;

export function watchLastLine(): LastLine {
  let tail = Buffer.alloc(0);
  return {
    push: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    },
    isThere: () => LAST_LINE.test(tail.toString('latin1')),
  };
}
