import { describe, expect, test } from 'vitest';
import {
  formOf,
  localeClauses,
  statementOf,
  tellUnlike,
  type DatabaseForm,
} from '../../../agent/sources/postgres/database-form.ts';

const LIBC: DatabaseForm = {
  encoding: 'UTF8',
  provider: 'libc',
  collate: 'de_DE.UTF-8',
  ctype: 'de_DE.UTF-8',
  locale: null,
  icuRules: null,
  tablespace: null,
};
const ICU = { ...LIBC, provider: 'icu', collate: 'C.UTF-8', ctype: 'C.UTF-8', locale: 'de' };

describe('how a dump says that its database was made', () => {
  test.each<[string, string, DatabaseForm]>([
    [
      '12, one locale for each',
      `CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'de_DE.UTF-8' LC_CTYPE = 'C';`,
      { ...LIBC, ctype: 'C' },
    ],
    [
      '14',
      `CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'de_DE.UTF-8' TABLESPACE = "Fast disk";`,
      { ...LIBC, tablespace: 'Fast disk' },
    ],
    [
      '15, libc',
      `CREATE DATABASE "it's = odd" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'de_DE.UTF-8';`,
      LIBC,
    ],
    [
      '15, ICU',
      `CREATE DATABASE de WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'de';`,
      ICU,
    ],
    [
      '16, rules',
      `CREATE DATABASE de WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'de' ICU_RULES = '&V << ''w''';`,
      { ...ICU, icuRules: "&V << 'w'" },
    ],
    [
      '17, builtin',
      `CREATE DATABASE b WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8' TABLESPACE = fast;`,
      { ...LIBC, provider: 'builtin', collate: 'C', ctype: 'C', locale: 'C.UTF-8', tablespace: 'fast' },
    ],
  ])('of %s → read', (_, statement, form) => {
    expect(formOf(`\n\n${statement}\n`)).toEqual(form);
  });

  test('what is no such statement → nobody knows', () => {
    expect(formOf('')).toBeNull();
    expect(formOf('CREATE DATABASE shop WITH TEMPLATE = template0;')).toBeNull();
  });
});

test('the clauses → name the provider from 15 on, where a template of another would give its own', () => {
  expect(localeClauses(LIBC, 14)).toBe(
    "ENCODING = 'UTF8' LC_COLLATE = 'de_DE.UTF-8' LC_CTYPE = 'de_DE.UTF-8'",
  );
  expect(localeClauses(LIBC, 15)).toMatch(/ LOCALE_PROVIDER = "libc"$/);
  expect(localeClauses({ ...ICU, icuRules: '&V' }, 16)).toMatch(
    / LOCALE_PROVIDER = "icu" ICU_LOCALE = 'de' ICU_RULES = '&V'$/,
  );
  expect(localeClauses({ ...LIBC, provider: 'builtin', locale: 'C.UTF-8' }, 17)).toMatch(
    / LOCALE_PROVIDER = "builtin" BUILTIN_LOCALE = 'C.UTF-8'$/,
  );
});

test('the statement of one that is there → says the same as a dump of it', () => {
  const odd = { ...ICU, icuRules: "&V << 'w' \\" };
  for (const form of [LIBC, ICU, odd])
    expect(formOf(statementOf({ ...form, tablespace: 'fast' }))).toEqual(form);
});

test('the same locale, written otherwise → no difference; another provider → told with both', () => {
  expect(tellUnlike('shop', { ...LIBC, collate: 'de_DE.utf8' }, LIBC)).toEqual([]);
  expect(tellUnlike('shop', null, LIBC)).toEqual([]);
  expect(tellUnlike('shop', LIBC, ICU)).toEqual([
    expect.stringMatching(
      /^shop is UTF8, libc de_DE\.UTF-8, and what was dumped was UTF8, icu de \(C\.UTF-8\): .*drop shop and restore again/,
    ),
  ]);
});
