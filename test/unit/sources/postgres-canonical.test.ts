import { expect, test } from 'vitest';
import { canonicalExpression } from '../../../agent/sources/postgres/proof/canonical.ts';

test.each([
  [
    'an array of constants that is cast as a whole → each of them is cast',
    `((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))`,
    `((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))`,
  ],
  [
    'brackets, commas and quotes in strings → are no end',
    `x = ANY ((ARRAY['it''s, ])::text[]'::character varying, '(ARRAY['::character varying])::text[])`,
    `x = ANY (ARRAY[('it''s, ])::text[]'::character varying)::text, ('(ARRAY['::character varying)::text])`,
  ],
  [
    'arrays, calls and quoted names inside → go with their element',
    `(ARRAY[f(1, 2), "odd, ]"."x", (ARRAY[1, 2])::bigint[]])::sch."T y"[]`,
    `ARRAY[(f(1, 2))::sch."T y", ("odd, ]"."x")::sch."T y", (ARRAY[(1)::bigint, (2)::bigint])::sch."T y"]`,
  ],
  [
    'a type with a length, and one of several words → are whole',
    `(ARRAY['1'::text])::numeric(10,2)[] || (ARRAY[now()])::timestamp without time zone[]`,
    `ARRAY[('1'::text)::numeric(10,2)] || ARRAY[(now())::timestamp without time zone]`,
  ],
])('%s', (_, written, canonical) => {
  expect(canonicalExpression(written)).toBe(canonical);
  expect(canonicalExpression(canonical)).toBe(canonical);
});

test.each([
  `'(ARRAY[''a''])::text[]'::text`,
  'ARRAY[1, 2]',
  '(ARRAY[1, 2])',
  '(ARRAY[1, 2',
  `it's "not closed`,
  '(a AND b) OR c',
  '',
])('%s → stays as it is', (text) => {
  expect(canonicalExpression(text)).toBe(text);
});
