import { expect, test } from 'vitest';
import type { Entry } from '../../../agent/sources/postgres/archive-contents.ts';
import { chooseEntries, tablesInDump } from '../../../agent/sources/postgres/table-choice.ts';

const entry = (id: number, kind: string, schema: string, tag: string, ...dependencies: number[]): Entry => ({
  ...{ id, kind, schema, tag, dependencies, catalog: '0', oid: '0', owner: '' },
});

/** A table in partitions, one of which has partitions itself and another lies in another schema; a table beside them. */
const ALL = [
  entry(1, 'TABLE', 'public', 'sales'),
  entry(2, 'TABLE', 'public', 'sales_old'),
  entry(3, 'TABLE', 'public', 'sales_2025'),
  entry(4, 'TABLE', 'cold', 'sales'),
  entry(5, 'TABLE', 'public', 'other'),
  entry(6, 'TABLE ATTACH', 'public', 'sales_old', 1, 2),
  entry(7, 'TABLE ATTACH', 'public', 'sales_2025', 2, 3),
  entry(8, 'TABLE ATTACH', 'cold', 'sales_2024', 2, 9),
  entry(9, 'TABLE', 'cold', 'sales_2024'),
  entry(10, 'TABLE DATA', 'public', 'sales_2025', 3),
  entry(11, 'TABLE DATA', 'cold', 'sales_2024', 9),
  entry(12, 'TABLE DATA', 'public', 'other', 5),
];

test('tables of a dump → each names those that hold its rows: itself, or its partitions and theirs', () => {
  expect(tablesInDump(ALL)).toEqual([
    { name: 'public.sales', rowsIn: ['public.sales_2025', 'cold.sales_2024'] },
    { name: 'public.sales_old', rowsIn: ['public.sales_2025', 'cold.sales_2024'] },
    { name: 'public.sales_2025', rowsIn: ['public.sales_2025'] },
    { name: 'cold.sales', rowsIn: ['cold.sales'] },
    { name: 'public.other', rowsIn: ['public.other'] },
    { name: 'cold.sales_2024', rowsIn: ['cold.sales_2024'] },
  ]);
});

test('a partitioned table is chosen → all that it names come along with their rows, and nothing else', () => {
  const chosen = chooseEntries(ALL, ['public.sales'], { replace: true });
  expect(chosen.map(({ id }) => id)).toEqual([1, 2, 3, 6, 7, 8, 9, 10, 11]);
});
