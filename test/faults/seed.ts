import { createHash, randomInt } from 'node:crypto';

/** What random places and moments come from. It is printed with every run; given again, it gives the same ones. */
export const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(2 ** 31));

/** Numbers from 0 to 1 that the seed determines for one row, whatever other rows run beside it (mulberry32). */
export function randomOf(row: string): () => number {
  let state = createHash('sha256').update(`${seed} ${row}`).digest().readInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
