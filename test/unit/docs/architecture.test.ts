import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blocksOf, readDocument, sectionOf, tableOf } from '../../helpers/docs.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

const architecture = readDocument('docs/architecture.md');

const { default: configuration } = (await import(join(repositoryRoot, 'eslint.config.js'))) as {
  default: { rules?: Record<string, unknown> }[];
};

/** What the linter says when a wall is climbed: "jobs may import core, sources/source (see …)." */
function wallsOfTheLinter(): Record<string, string> {
  const text = JSON.stringify(configuration.map((entry) => entry.rules?.['no-restricted-imports'] ?? null));
  const walls = [...text.matchAll(/"message":"(\w+) may import ([^(]*) \(see/g)];
  return Object.fromEntries(walls.map(([, room = '', allowed = '']) => [room, allowed]));
}

test('who may import whom → is what the linter holds', () => {
  const rows = tableOf(sectionOf(architecture, '## Who may import whom'));
  const told = rows.map((row) => [row.room, (row['may import'] ?? '').replaceAll('`', '')]);
  expect(Object.fromEntries(told)).toEqual(wallsOfTheLinter());
});

test('folders and files of the house → are there', () => {
  const [, house] = blocksOf('docs/architecture.md').filter((block) => block.language === '');
  const missing: string[] = [];
  let folder = '';
  let seen = 0;
  for (const line of (house?.text ?? '').split('\n')) {
    const [, indent = '', name = ''] = /^( *)([\w./-]+?)\/?(?: |$)/.exec(line) ?? [];
    if (name === '') continue;
    seen += 1;
    if (indent === '') folder = name;
    const path = indent === '' ? name : join(folder, name);
    if (!existsSync(join(repositoryRoot, path))) missing.push(path);
  }
  expect(missing).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});
