import { expect, test } from 'vitest';
import { tellMissing } from '../../../agent/sources/missing-tables.ts';

const before = ['customers', 'ledger', 'orders'];
const told = (dumped: string[], { leftOut = [] as string[], now = before } = {}) =>
  tellMissing('shop', { before, dumped: new Set(dumped), leftOut: new Set(leftOut) }, async () => now);

test('every table is in the dump → nothing to tell', async () => {
  expect(await told(before)).toEqual([]);
});

test('one is missing and still there → dump_incomplete that names it', async () => {
  await expect(told(['customers', 'ledger'])).rejects.toMatchObject({
    kind: 'dump_incomplete',
    message: 'dump of shop ended well but lacks table orders',
  });
});

test('one was dropped as the dump began → a warning', async () => {
  expect(await told(['customers', 'ledger'], { now: ['customers', 'ledger'] })).toEqual([
    'table orders was dropped as the dump began and is not in it',
  ]);
});

test('one may be missing by name → it is, and none beside it', async () => {
  expect(await told(['customers', 'orders'], { leftOut: ['ledger'] })).toEqual([]);
  await expect(told(['customers'], { leftOut: ['ledger'] })).rejects.toThrow('lacks table orders');
});
