import { describe, expect, test } from 'vitest';
import { compare } from '../../../agent/proof/compare.ts';
import type { Proof } from '../../../agent/proof/proof.ts';
import { tellDifferences, tellExtent, whyUnproven } from '../../../agent/proof/tell.ts';
import { objectProof, proofOf, tableProof } from '../../helpers/proofs.ts';

const told = (expected: Proof, found: Proof) => tellDifferences(compare(expected, found));
const customers = tableProof('customers', { rows: 2, checksum: '12' });

describe('two proofs of the same', () => {
  test('the same proof twice → equal and proven', () => {
    const comparison = compare(proofOf(), proofOf());
    expect(comparison).toMatchObject({ equal: true, proven: true, differences: [], incomparable: null });
    expect(tellExtent(comparison.extent, proofOf())).toBe(
      '2 tables, 5 rows and 4 objects equal to the source',
    );
    expect(whyUnproven(comparison, proofOf())).toBeNull();
  });

  test('the lists in another order, read at another time on another server → equal', () => {
    const { tables, objects } = proofOf();
    const found = proofOf({
      tables: tables.toReversed(),
      objects: objects.toReversed(),
      takenAt: '2026-11-22T05:00:00.000Z',
      serverVersion: '15.20',
      database: 'scratch',
    });
    expect(compare(proofOf(), found).proven).toBe(true);
  });

  test('a proof that was not read at the dump’s own snapshot → equal, and not proven', () => {
    const expected = proofOf({ unproven: 'a long query kept the lock away' });
    const comparison = compare(expected, proofOf());
    expect(comparison).toMatchObject({ equal: true, proven: false });
    expect(whyUnproven(comparison, expected)).toBe('a long query kept the lock away');
  });
});

test('a table of which no dump carries all → equal and not proven, with the reason; another difference in it is one', () => {
  const cut = '2 rows hold FLOAT values of more than six digits';
  const expected = proofOf({ tables: [tableProof('orders', { cut }), customers] });
  const comparison = compare(expected, proofOf());
  expect(comparison).toMatchObject({ equal: true, proven: false, extent: { cut: ['orders'] } });
  expect(whyUnproven(comparison, expected)).toBe(`orders: ${cut}`);
  const changed = proofOf({ tables: [tableProof('orders', { checksum: '1' }), customers] });
  expect(told(expected, changed)).toEqual(['table orders has its 3 rows, but not the ones of the source']);
});

describe('a table', () => {
  test('that vanished → named with its rows, and its columns and indexes not told again', () => {
    const found = proofOf({ tables: [customers], objects: proofOf().objects.slice(2) });
    expect(compare(proofOf(), found).equal).toBe(false);
    expect(told(proofOf(), found)).toEqual(['table orders is missing, with 3 rows']);
  });

  test('that is too many → named', () => {
    const found = proofOf({ tables: [...proofOf().tables, tableProof('ghosts', { rows: 1 })] });
    expect(told(proofOf(), found)).toEqual(['table ghosts is there, with 1 row, and was not in the source']);
  });

  test('with fewer rows → both numbers', () => {
    const found = proofOf({ tables: [tableProof('orders', { rows: 2 }), customers] });
    expect(told(proofOf(), found)).toEqual(['table orders has 2 rows, expected 3']);
  });

  test('with as many rows and another checksum → told as other rows', () => {
    const found = proofOf({ tables: [tableProof('orders', { checksum: '8138' }), customers] });
    expect(told(proofOf(), found)).toEqual(['table orders has its 3 rows, but not the ones of the source']);
  });

  test('with an excuse → a warning in place of a difference, and nothing is proven', () => {
    const table = tableProof('orders', { excuse: 'its engine has no transactions' });
    const found = proofOf({ tables: [tableProof('orders', { rows: 9 }), customers] });
    const expected = proofOf({ tables: [table, customers] });
    const comparison = compare(expected, found);
    expect(whyUnproven(comparison, expected)).toMatch(/^the rows of orders differ/);
    expect(whyUnproven(compare(expected, expected), expected)).toBeNull();
    expect(comparison).toMatchObject({
      equal: true,
      proven: false,
      differences: [],
      extent: { excused: ['orders'] },
      warnings: ['orders came back with 9 rows in place of 3, which it may: its engine has no transactions'],
    });
  });

  test('that has an excuse and came back empty → a difference all the same', () => {
    const excuse = 'its engine has no transactions';
    const expected = proofOf({ tables: [tableProof('orders', { rows: 1_000_000, excuse }), customers] });
    const found = proofOf({ tables: [tableProof('orders', { rows: 0, checksum: '0', excuse }), customers] });
    expect(compare(expected, found)).toMatchObject({ equal: false, warnings: [], extent: { excused: [] } });
    expect(told(expected, found)).toEqual(['table orders has 0 rows, expected 1000000']);
    const filled = compare(found, expected);
    expect(filled).toMatchObject({ equal: true, proven: false, extent: { excused: ['orders'] } });
  });

  test('that has an excuse and is gone → a difference all the same', () => {
    const table = tableProof('orders', { excuse: 'its engine has no transactions' });
    const comparison = compare(proofOf({ tables: [table, customers] }), proofOf({ tables: [customers] }));
    expect(comparison.equal).toBe(false);
  });

  test('that is sampled → said so, equal or not', () => {
    const sample = { key: 'id', ranges: [['1', '10']] as [string, string][] };
    const expected = proofOf({ tables: [tableProof('orders', { sample }), customers] });
    const { extent } = compare(expected, expected);
    expect(tellExtent(extent, expected)).toMatch(/equal to the source \(the rows of orders by samples\)$/);
    expect(whyUnproven(compare(expected, expected), expected)).toBeNull();
    const found = proofOf({ tables: [tableProof('orders', { sample, checksum: '1' }), customers] });
    expect(told(expected, found)).toEqual([
      'table orders has its 3 rows, but in the samples that were compared not the ones of the source',
    ]);
  });

  test('that was only counted, where checksums are wanted → said so, and nothing is proven', () => {
    const expected = proofOf({ tables: [tableProof('orders', { checksum: null }), customers] });
    const comparison = compare(expected, proofOf());
    expect(comparison).toMatchObject({ equal: true, proven: false, extent: { counted: ['orders'] } });
    expect(whyUnproven(comparison, expected)).toBe('the rows of orders were counted and not compared');
    expect(tellExtent(comparison.extent, expected)).toMatch(
      /as in the source \(those of orders by their number alone\)$/,
    );
  });

  test('that was only counted, one of many → so many are named, and how many more', () => {
    const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
    const expected = proofOf({ tables: names.map((name) => tableProof(name, { checksum: null })) });
    expect(whyUnproven(compare(expected, expected), expected)).toBe(
      'the rows of t0, t1, t2, t3, t4 and 3 more were counted and not compared',
    );
  });

  test('that was only counted, and has no rows → there is nothing more to compare, and all is proven', () => {
    const empty = tableProof('orders', { rows: 0, checksum: null });
    const expected = proofOf({ tables: [empty, customers] });
    const comparison = compare(expected, expected);
    expect(comparison).toMatchObject({ proven: true, extent: { counted: [] } });
    expect(whyUnproven(comparison, expected)).toBeNull();
    expect(tellExtent(comparison.extent, expected)).toMatch(/equal to the source$/);
    const found = proofOf({ tables: [tableProof('orders', { rows: 1, checksum: null }), customers] });
    expect(told(expected, found)).toEqual(['table orders has 1 row, expected 0']);
  });
});

describe('what cannot be compared is never equal', () => {
  const sample = { key: 'id', ranges: [['1', '10']] as [string, string][] };
  test.each<[string, Proof, Proof, RegExp]>([
    [
      'another engine',
      proofOf({ engine: 'postgres' }),
      proofOf({ engine: 'mariadb' }),
      /of postgres .* in mariadb/,
    ],
    [
      'another method',
      proofOf(),
      proofOf({ method: 'test-2' }),
      /the rows of orders, customers could not .* another method now, test-2$/,
    ],
    [
      'no checksum of what was restored',
      proofOf(),
      proofOf({ tables: [tableProof('orders', { checksum: null }), customers] }),
      /has no checksum/,
    ],
    [
      'other samples',
      proofOf({ tables: [tableProof('orders', { sample }), customers] }),
      proofOf(),
      /cover other samples/,
    ],
    [
      'proofs that name nothing at all',
      proofOf({ tables: [], objects: [], counters: [] }),
      proofOf({ tables: [], objects: [], counters: [] }),
      /names no object/,
    ],
    ['proofs without objects', proofOf({ objects: [] }), proofOf({ objects: [] }), /names no object/],
    [
      'a table named twice',
      proofOf({ tables: [tableProof('orders'), tableProof('orders')] }),
      proofOf({ tables: [tableProof('orders'), tableProof('orders')] }),
      /orders stands twice/,
    ],
  ])('%s', (_, expected, found, why) => {
    const comparison = compare(expected, found);
    expect(comparison).toMatchObject({ equal: false, proven: false, differences: [] });
    expect(comparison.incomparable).toMatch(why);
    expect(whyUnproven(comparison, expected)).toMatch(why);
  });

  test('another method, and a lost row → the lost row is told', () => {
    const found = proofOf({ method: 'test-2', tables: [tableProof('orders', { rows: 2 }), customers] });
    expect(told(proofOf(), found)).toEqual(['table orders has 2 rows, expected 3']);
    expect(whyUnproven(compare(proofOf(), found), proofOf())).toBeNull();
  });

  test.each<[string, Partial<Proof>, string]>([
    [
      'rows',
      { tables: [tableProof('orders', { rows: 2 }), customers] },
      'table orders has 2 rows, expected 3',
    ],
    ['a table', { tables: [customers] }, 'table orders is missing, with 3 rows'],
    ['a counter', { counters: [] }, 'counter orders_id_seq is missing'],
  ])('objects that could not be read, and %s lost → what is lost is told', (_, lost, sentence) => {
    const expected = proofOf({ objects: [], unproven: 'its objects could not be read: no' });
    const comparison = compare(expected, proofOf(lost));
    expect(comparison).toMatchObject({ equal: false, proven: false });
    expect(tellDifferences(comparison)).toEqual([sentence]);
    expect(whyUnproven(comparison, expected)).toBeNull();
  });

  test('objects that could not be read, and all else as it was → not proven, and those that are there are no difference', () => {
    const comparison = compare(proofOf({ objects: [] }), proofOf());
    expect(comparison).toMatchObject({ equal: false, proven: false, differences: [] });
    expect(whyUnproven(comparison, proofOf({ objects: [] }))).toBe('the proof names no object of the source');
  });

  test('a proof that names nothing, of what holds something → not comparable, and no difference', () => {
    const nothing = proofOf({ tables: [], objects: [], counters: [] });
    expect(compare(nothing, proofOf())).toMatchObject({
      differences: [],
      incomparable: 'the proof names no object of the source',
    });
  });

  test('another method, where rows were only counted → it does not matter, and nothing is proven', () => {
    const tables = [tableProof('orders', { checksum: null })];
    const expected = proofOf({ level: 'counts', tables });
    const comparison = compare(expected, { ...expected, method: 'test-2' });
    expect(comparison).toMatchObject({ equal: true, proven: false });
    expect(whyUnproven(comparison, expected)).toMatch(/^rows were counted and not compared/);
    expect(tellExtent(comparison.extent, expected)).toMatch(/by row counts alone$/);
  });

  test('a proof that lacks a part of what is there → that part is a difference', () => {
    const partial = proofOf({ tables: [customers], objects: proofOf().objects.slice(2), counters: [] });
    expect(compare(partial, proofOf()).equal).toBe(false);
  });
});

describe('objects and counters', () => {
  const { objects } = proofOf();
  test.each<[string, Partial<Proof>, string[]]>([
    ['an index is gone', { objects: objects.toSpliced(1, 1) }, ['index orders.orders_pkey is missing']],
    [
      'a routine has another body',
      { objects: [...objects.slice(0, 3), objectProof('routine', 'total', 'dead')] },
      ['routine total is not defined as in the source'],
    ],
    [
      'a view is too many',
      { objects: [...objects, objectProof('view', 'v')] },
      ['view v is there and was not in the source'],
    ],
    [
      'a counter was set back',
      { counters: [{ name: 'orders_id_seq', value: '1' }] },
      ['counter orders_id_seq stands at 1, expected 4'],
    ],
    ['a counter is gone', { counters: [] }, ['counter orders_id_seq is missing']],
    [
      'a counter is too many',
      { counters: [...proofOf().counters, { name: 'x', value: '1' }] },
      ['counter x is there and was not in the source'],
    ],
  ])('%s → told', (_, found, sentences) => {
    expect(compare(proofOf(), proofOf(found)).equal).toBe(false);
    expect(told(proofOf(), proofOf(found))).toEqual(sentences);
  });

  test.each([
    ['between the two', '6', true],
    ['at its beginning', '4', true],
    ['at its end', '9', true],
    ['before it', '3', false],
    ['beyond it', '10', false],
  ])('a counter that moved while the dump was taken, found %s → %s, equal: %s', (_, value, equal) => {
    const moved = proofOf({ counters: [{ name: 's', value: '4', until: '9' }] });
    expect(compare(moved, proofOf({ counters: [{ name: 's', value }] })).equal).toBe(equal);
    const back = proofOf({ counters: [{ name: 's', value: '9', until: '4' }] });
    expect(compare(back, proofOf({ counters: [{ name: 's', value }] })).equal).toBe(equal);
  });

  test('one of two overloaded routines is gone, or has another body → told', () => {
    const two = proofOf({ objects: [...objects, objectProof('routine', 'total', 'other')] });
    expect(told(two, proofOf())).toEqual(['routine total is missing']);
    const swapped = proofOf({ objects: [objectProof('routine', 'total', 'other'), ...objects] });
    expect(compare(two, swapped).equal).toBe(true);
  });

  test('many of each kind → so many sentences and no more', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `t${i}`);
    const expected = proofOf({
      tables: names.map((name) => tableProof(name)),
      objects: names.map((name) => objectProof('index', `i_${name}`)),
    });
    const sentences = told(expected, proofOf({ tables: [], objects: [objectProof('view', 'v')] }));
    expect(sentences.slice(4)).toEqual([
      'table t4 is missing, with 3 rows',
      '995 more missing tables',
      '1000 objects of the kind index are missing: i_t0, i_t1, i_t2, i_t3, i_t4 and 995 more',
      'view v is there and was not in the source',
    ]);
  });
});
