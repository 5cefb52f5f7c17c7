import { HoldfastError } from '../core/errors.ts';
import type { Source } from '../sources/source.ts';

/** PostgreSQL cuts a longer name without a word: the database would be another one than the one that is told. */
export function refuseLong(name: string | undefined, { nameLimit: { most, unit } }: Source): void {
  const length = unit === 'bytes' ? Buffer.byteLength(name ?? '') : Array.from(name ?? '').length;
  if (length <= most) return;
  throw new HoldfastError('usage', `the name given with --to has ${length} ${unit}`, {
    hint: `The server takes names of up to ${most} ${unit}: give a shorter one.`,
  });
}
