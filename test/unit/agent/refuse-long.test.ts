import { expect, test } from 'vitest';
import { refuseLong } from '../../../agent/cli/refuse-long.ts';
import type { Source } from '../../../agent/sources/source.ts';

const serverOf = (most: number, unit: 'bytes' | 'characters') => ({ nameLimit: { most, unit } }) as Source;

test.each([
  ['bytes', 63, 'é'.repeat(31), 'é'.repeat(32), 64],
  ['characters', 64, 'é'.repeat(64), 'é'.repeat(65), 65],
] as const)(
  'a name that has as many %s as fit → taken; more → bad usage that names the option',
  (...given) => {
    const [unit, most, fits, long, length] = given;
    expect(() => refuseLong(fits, serverOf(most, unit))).not.toThrow();
    expect(() => refuseLong(undefined, serverOf(most, unit))).not.toThrow();
    expect(() => refuseLong(long, serverOf(most, unit))).toThrow(
      expect.objectContaining({
        kind: 'usage',
        message: `the name given with --to has ${length} ${unit}`,
        hint: expect.stringContaining(`up to ${most} ${unit}`) as unknown,
      }) as Error,
    );
  },
);
