import { expect, test } from 'vitest';
import { rangeCondition } from '../../../agent/sources/postgres/proof/sample.ts';

test('a range of a key → both ends are in it', () => {
  expect(rangeCondition('"a", "b ""c"""', [`'1', 'it''s'`, `'2', '\\'`])).toBe(
    `ROW("a", "b ""c""") >= ROW('1', 'it''s') AND ROW("a", "b ""c""") <= ROW('2', '\\')`,
  );
});

test.each([
  ['"a") OR true --', `'1'`],
  ['a', `'1'`],
  ['"a", ', `'1'`],
  ['"a"', '1'],
  ['"a"', `'1') OR ('1' = '1'`],
  ['"a"', `'1'; DROP TABLE t; --'`],
  ['"a"', `E'1'`],
  ['"a"', `'1`],
  ['"a"', ''],
])('key %s with the end %s → refused', (key, end) => {
  expect(() => rangeCondition(key, [end, `'2'`])).toThrow('the stored proof holds a');
  expect(() => rangeCondition(key, [`'0'`, end])).toThrow('the stored proof holds a');
});
