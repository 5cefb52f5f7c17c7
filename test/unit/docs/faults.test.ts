import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cellsOf, fileHash, pageOf, RESULT_CELLS, resultsOn, rowsOn } from '../../faults/page.ts';
import { AREAS, FAULTS } from '../../faults/table.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

test('each fault → has a name of its own, and none that a table would break', () => {
  const names = FAULTS.map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(FAULTS.flatMap(cellsOf).filter((cell) => /[|\n]/.test(cell))).toEqual([]);
});

test('the page of a run → has a row for each fault with its result, and is read back as it was written', () => {
  const about = { result: 'passed', run: '2026-11-21', seed: '7', versions: 'restic 0.19.1' };
  const all = AREAS.flatMap(({ file, faults }) =>
    faults.map(({ name }) => [name, { ...about, rows: fileHash(file) }] as const),
  );
  const results = new Map(all.slice(1));
  const page = pageOf(results);
  expect([...rowsOn(page).values()].map((row) => row.slice(0, -RESULT_CELLS))).toEqual(FAULTS.map(cellsOf));
  const [first, ...others] = resultsOn(page);
  expect(first).toEqual([FAULTS[0]?.name, { result: 'not run', run: '', seed: '', versions: '', rows: '' }]);
  expect(new Map(others)).toEqual(results);
});

test('the file of a row has changed since its result → the page says so, and keeps what it was run with', () => {
  const old = { result: 'passed', run: '2026-11-21', seed: '7', versions: 'restic 0.19.1', rows: '0000aaaa' };
  const page = pageOf(new Map(FAULTS.map(({ name }) => [name, old] as const)));
  expect(new Set([...resultsOn(page).values()].map(({ result }) => result))).toEqual(
    new Set(['to be run again: changed since']),
  );
  expect([...resultsOn(page).values()].map(({ rows }) => rows)).toEqual(FAULTS.map(() => '0000aaaa'));
  expect(pageOf(resultsOn(page))).toBe(page);
});

test('docs/faults.md → is what the table and its results give: a row that was added or changed is written with `scripts/test faults --write`', () => {
  const published = readFileSync(join(repositoryRoot, 'docs/faults.md'), 'utf8');
  const now = pageOf(resultsOn(published));
  expect([...rowsOn(published).values()]).toEqual([...rowsOn(now).values()]);
});
