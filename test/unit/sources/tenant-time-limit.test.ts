import { expect, test } from 'vitest';
import { createTimeLimit, TooSlowError } from '../../../agent/sources/postgres/tenant-sets/time-limit.ts';

function limited(limitMs: number) {
  let now = 0;
  const limit = createTimeLimit(limitMs, () => now);
  return (ms: number, archive: number | null) => {
    now += ms;
    limit.charge(archive);
  };
}

test('each is within its own limit, and all together are not → none is ended', () => {
  const charge = limited(1000);
  for (const archive of [0, 1, 2]) charge(900, archive);
  charge(5000, null);
  charge(50, 2);
});

test('the pieces of one add up to more than its limit → that one is named, and the time', () => {
  const charge = limited(60_000);
  charge(40_000, 1);
  charge(59_000, 0);
  const late = () => charge(21_000, 1);
  expect(late).toThrow(TooSlowError);
  expect(late).toThrow(
    expect.objectContaining({
      archive: 1,
      kind: 'timeout',
      message: 'its rows took longer than 60 s',
    }) as Error,
  );
});
