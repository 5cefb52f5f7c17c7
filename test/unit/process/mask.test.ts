import { expect, test } from 'vitest';
import { mask } from '../../../agent/process/lines.ts';

test('a secret begins with another one → all of it is masked, in whichever order they are named', () => {
  for (const secrets of [
    ['pass', 'pass-db-42'],
    ['pass-db-42', 'pass'],
  ])
    expect(mask('with pass-db-42 and pass', secrets)).toBe('with *** and ***');
});

test('a secret of two characters → left, for it would mask innocent text', () => {
  expect(mask('as it was', ['as'])).toBe('as it was');
});
