import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cellsOf, pageOf, resultsOn, rowsOn } from '../../faults/page.ts';
import { FAULTS } from '../../faults/table.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

test('each fault → has a name of its own, and none that a table would break', () => {
  const names = FAULTS.map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(FAULTS.flatMap(cellsOf).filter((cell) => /[|\n]/.test(cell))).toEqual([]);
});

test('the page of a run → has a row for each fault with its result, and is read back as it was written', () => {
  const passed = { result: 'passed', run: '2026-11-21', seed: '7', versions: 'restic 0.19.1' };
  const results = new Map(FAULTS.slice(1).map(({ name }) => [name, passed] as const));
  const page = pageOf(results);
  expect([...rowsOn(page).values()].map((row) => row.slice(0, -4))).toEqual(FAULTS.map(cellsOf));
  const [first, ...others] = resultsOn(page);
  expect(first).toEqual([FAULTS[0]?.name, { result: 'not run', run: '', seed: '', versions: '' }]);
  expect(new Map(others)).toEqual(results);
});

test('docs/faults.md → is what the table and its results give: a row that was added or changed is written with `scripts/test faults --write`', () => {
  const published = readFileSync(join(repositoryRoot, 'docs/faults.md'), 'utf8');
  expect([...rowsOn(published).values()].map((row) => row.slice(0, -4))).toEqual(FAULTS.map(cellsOf));
});
