import { expect, test } from 'vitest';
import type { WholeEntry } from '../../../agent/sources/postgres/archive-contents.ts';
import { chooseSeveral } from '../../../agent/sources/postgres/tenants/choose-several.ts';

const entry = (
  id: number,
  kind: string,
  schema: string,
  tag: string,
  ...dependencies: number[]
): WholeEntry => ({
  ...{ id, kind, schema, tag, dependencies, catalog: '0', oid: '0', owner: '' },
  ...{ hasData: kind === 'TABLE DATA', definition: '', drop: '', copy: '', tablespace: '', accessMethod: '' },
});

/** Shared: lookup rows to which a key leads, in partitions; a type; a log that only a view reads. */
const ALL = [
  entry(1, 'SCHEMA', '', 't_1'),
  entry(2, 'SCHEMA', '', 't_2'),
  entry(3, 'TYPE', 'public', 'mood'),
  entry(4, 'TABLE', 'public', 'plans'),
  entry(5, 'TABLE', 'public', 'plans_1'),
  entry(6, 'TABLE ATTACH', 'public', 'plans_1', 4, 5),
  entry(7, 'TABLE', 'public', 'log'),
  entry(8, 'TABLE', 'public', 'nobody'),
  entry(10, 'TABLE', 't_1', 'orders', 1, 3),
  entry(11, 'VIEW', 't_1', 'logged', 1, 7),
  entry(12, 'COMMENT', 't_1', 'TABLE orders', 10),
  entry(13, 'ACL', '', 'SCHEMA t_1', 1),
  entry(20, 'TABLE', 't_2', 'orders', 2),
  entry(30, 'TABLE DATA', 'public', 'log', 7),
  entry(31, 'TABLE DATA', 'public', 'plans_1', 5),
  entry(32, 'TABLE DATA', 't_1', 'orders', 10),
  entry(33, 'TABLE DATA', 't_2', 'orders', 20),
  entry(40, 'CONSTRAINT', 'public', 'plans plans_pkey', 4),
  entry(41, 'CONSTRAINT', 'public', 'plans_1 plans_1_pkey', 5),
  entry(42, 'INDEX ATTACH', 'public', 'plans_1_pkey', 40, 41),
  entry(43, 'FK CONSTRAINT', 't_1', 'orders orders_plan_fkey', 10, 4, 40),
  entry(44, 'TRIGGER', 'public', 'plans changed', 4),
];

test('one schema of two → itself, what it needs, the rows that its keys lead to with their partitions, and nothing else', () => {
  const chosen = chooseSeveral(ALL, ['t_1']);
  expect(chosen.entries.map(({ id }) => id)).toEqual([
    1, 3, 4, 5, 6, 7, 10, 11, 12, 13, 31, 32, 40, 41, 42, 43,
  ]);
  const owned = chosen.entries.filter((one) => chosen.ownerOf(one) === 't_1').map(({ id }) => id);
  expect(owned).toEqual([1, 10, 11, 12, 13, 32, 43]);
});

test('both → one list in the order of the archive; what of others fails, fails those that need it', () => {
  const chosen = chooseSeveral(ALL, ['t_1', 't_2']);
  const ids = chosen.entries.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((one, other) => one - other));
  expect(ids).toEqual(expect.arrayContaining([2, 20, 33]));
  expect(ids).not.toContain(8);
  const type = ALL.find(({ id }) => id === 3)!;
  expect(chosen.neededBy(type)).toEqual(['t_1']);
});
