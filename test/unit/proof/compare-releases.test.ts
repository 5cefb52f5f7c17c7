import { describe, expect, test } from 'vitest';
import { compare } from '../../../agent/proof/compare.ts';
import type { ObjectProof, Proof } from '../../../agent/proof/proof.ts';
import { tellCompared, tellDifferences, tellRestored, whyUnproven } from '../../../agent/proof/tell.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';

const { objects } = proofOf();
const customers = tableProof('customers', { rows: 2, checksum: '12' });
const inOtherWords = (which: (object: ObjectProof) => boolean) =>
  objects.map((object) => (which(object) ? { ...object, hash: 'in other words' } : object));
const routineAlone = inOtherWords(({ kind }) => kind === 'routine');

describe('a definition in other words', () => {
  test.each<[Proof['engine'], string, string]>([
    ['postgres', '15.18', '16.2'],
    ['postgres', '18.1 (Debian 18.1-1)', '17.6 (Debian 17.6-1)'],
    ['mariadb', '10.5.29-MariaDB-log', '10.6.4-MariaDB'],
    ['mariadb', '5.5.5-10.5.29-MariaDB', '10.11.19-MariaDB'],
    ['mysql', '5.7.44', '8.0.46'],
    ['mysql', '8.4.7', '9.7.1'],
    ['mysql', '8.0.18', '8.0.19'],
  ])('of %s %s, found in %s → not comparable, and no difference', (engine, was, is) => {
    const expected = proofOf({ engine, serverVersion: was });
    const found = proofOf({ engine, serverVersion: is, objects: routineAlone });
    const comparison = compare(expected, found);
    expect(comparison).toMatchObject({ equal: false, proven: false, differences: [] });
    expect(whyUnproven(comparison, expected)).toMatch(
      /^the definition of routine total could not be compared: /,
    );
  });

  test.each<[Proof['engine'], string, string]>([
    ['postgres', '15.18', '15.20 (Debian 15.20-1)'],
    ['mariadb', '10.11.14-MariaDB', '10.11.19-MariaDB-0+deb12u1'],
    ['mysql', '8.4.5', '8.4.7'],
    ['mysql', '8.0.36', '8.0.46'],
  ])('of %s %s, found in %s → a difference', (engine, was, is) => {
    const found = proofOf({ engine, serverVersion: is, objects: routineAlone });
    const comparison = compare(proofOf({ engine, serverVersion: was }), found);
    expect(tellDifferences(comparison)).toEqual(['routine total is not defined as in the source']);
  });

  test('of many objects → so many are named, and how many more', () => {
    const many = Array.from({ length: 8 }, (_, i) => objectProof('view', `v${i}`));
    const expected = proofOf({ objects: many });
    const found = proofOf({ serverVersion: '18.1', objects: many.map((one) => ({ ...one, hash: 'other' })) });
    expect(compare(expected, found).incomparable).toMatch(
      /^the definition of view v0, view v1, view v2, view v3, view v4 and 3 more could not/,
    );
  });
});

describe('on a server of another release', () => {
  const newer = { serverVersion: '18.1', method: 'test-2' };

  test('rows and definitions that cannot be compared → both told, once for all tables', () => {
    const comparison = compare(proofOf(), proofOf({ ...newer, objects: routineAlone }));
    expect(comparison.incomparable).toMatch(
      /^the rows of orders, customers could not be compared: they are hashed by another method now, test-2; the definition of routine total could/,
    );
    expect(tellCompared(comparison, proofOf())).toBe(
      '2 tables, 5 rows and 4 objects as in the source, as far as that could be compared',
    );
    expect(tellRestored(comparison, proofOf()).warnings).toEqual([
      `equality is not proven: ${comparison.incomparable}`,
    ]);
  });

  test('a table that may differ, in a proof of another moment → all of it is told, and it is not among what is as it was', () => {
    const table = tableProof('orders', { excuse: 'its engine has no transactions' });
    const expected = proofOf({ tables: [table, customers], unproven: 'others wrote meanwhile' });
    const tables = [tableProof('orders', { rows: 9 }), customers];
    const comparison = compare(expected, proofOf({ ...newer, tables }));
    expect(tellCompared(comparison, expected)).toMatch(/as in the source but for the rows of orders, as far/);
    const [first, ...others] = tellRestored(comparison, expected).warnings;
    expect(first).toMatch(/^equality is not proven: the rows of customers .*; others wrote meanwhile$/);
    expect(others).toEqual([
      expect.stringMatching(/^orders came back with 9 rows in place of 3, which it may/),
    ]);
  });

  test.each<[string, Partial<Proof>, string]>([
    ['a missing object', { objects: routineAlone.toSpliced(1, 1) }, 'index orders.orders_pkey is missing'],
    [
      'one too many',
      { objects: [...routineAlone, objectProof('view', 'v')] },
      'view v is there and was not in the source',
    ],
    [
      'a lost row',
      { tables: [tableProof('orders', { rows: 2 }), customers] },
      'table orders has 2 rows, expected 3',
    ],
    [
      'a changed row, by a method that both have',
      { method: 'test-1', tables: [tableProof('orders', { checksum: '1' }), customers] },
      'table orders has its 3 rows, but not the ones of the source',
    ],
    [
      'a counter that stands elsewhere',
      { counters: [{ name: 'orders_id_seq', value: '1' }] },
      'counter orders_id_seq stands at 1, expected 4',
    ],
  ])('%s → a difference all the same', (_, lost, sentence) => {
    const found = proofOf({ ...newer, objects: routineAlone, ...lost });
    expect(tellDifferences(compare(proofOf(), found))).toEqual([sentence]);
  });
});

describe('MySQL in place of MariaDB, or the other way round', () => {
  const expected = proofOf({ engine: 'mariadb', serverVersion: '11.8.3-MariaDB' });
  const flavour = { engine: 'mysql', serverVersion: '9.7.1' } as const;

  test('as many rows, and the same objects → nothing differs, and neither rows nor definitions count as compared', () => {
    const comparison = compare(expected, proofOf({ ...flavour, objects: routineAlone }));
    expect(comparison).toMatchObject({ equal: false, proven: false, differences: [] });
    expect(comparison.incomparable).toMatch(
      /^the rows of orders, customers could not be compared: they were hashed by MariaDB 11\.8\.3, and now by MySQL 9\.7\.1; the definition of routine total /,
    );
  });

  test('a lost row, and a lost table with its index → told', () => {
    const found = proofOf({
      ...flavour,
      tables: [tableProof('orders', { rows: 2 })],
      objects: objects.filter(({ name }) => name !== 'customers'),
    });
    expect(tellDifferences(compare(expected, found))).toEqual([
      'table customers is missing, with 2 rows',
      'table orders has 2 rows, expected 3',
    ]);
  });

  test('checks, which only one of them tells with their table → no difference, and named as not compared', () => {
    const checked = { ...expected, objects: [...objects, objectProof('constraint', 'orders.positive')] };
    const found = proofOf({ ...flavour, objects: [...objects, objectProof('check', 'positive')] });
    const comparison = compare(checked, found);
    expect(comparison.differences).toEqual([]);
    expect(comparison.incomparable).toMatch(/constraint orders\.positive, check positive/);
  });
});

describe('an extension', () => {
  const having = (more: Partial<ObjectProof>, hash = 'in public') =>
    proofOf({ objects: [...objects, { ...objectProof('extension', 'postgis', hash), ...more }] });

  test('in another version → neither a difference nor equal, and both versions are told', () => {
    const expected = having({ version: '3.4.0' });
    const comparison = compare(expected, having({ version: '3.5.2' }));
    expect(comparison).toMatchObject({ equal: false, proven: false, differences: [] });
    expect(whyUnproven(comparison, expected)).toBe(
      'extension postgis has version 3.5.2, and the source had 3.4.0',
    );
  });

  test('in the same version → equal; in another schema → a difference', () => {
    const expected = having({ version: '3.4.0' });
    expect(compare(expected, expected).proven).toBe(true);
    const moved = having({ version: '3.5.2' }, 'in sales');
    expect(tellDifferences(compare(expected, moved))).toEqual([
      'extension postgis is not defined as in the source',
    ]);
  });

  test('of an older proof, whose hash has the version in it → equal, or told without a version of the source', () => {
    const expected = having({}, '3.4.0 in public');
    expect(compare(expected, having({ version: '3.4.0' }, '3.4.0 in public')).proven).toBe(true);
    const comparison = compare(expected, having({ version: '3.5.2' }));
    expect(comparison).toMatchObject({ equal: false, differences: [] });
    expect(comparison.incomparable).toBe(
      'extension postgis has version 3.5.2, and is not as the source had it',
    );
  });

  test('that is gone → a difference', () => {
    expect(tellDifferences(compare(having({ version: '3.4.0' }), proofOf()))).toEqual([
      'extension postgis is missing',
    ]);
  });
});
