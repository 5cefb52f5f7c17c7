import { expect, test } from 'vitest';
import { ERROR_KINDS } from '../../../agent/core/errors.ts';
import { GAP_NAMES } from '../../../agent/core/glossary.ts';
import { readDocument, sectionOf, tableOf } from '../../helpers/docs.ts';

test('docs/troubleshooting.md → has a section for every kind of error, and for no other', () => {
  const sections = [...readDocument('docs/troubleshooting.md').matchAll(/^### `(\w+)`$/gm)];
  expect(sections.map(([, kind]) => kind).sort()).toEqual([...ERROR_KINDS].sort());
});

test('docs/security.md → says of every gap what a backup lacks', () => {
  const rows = tableOf(sectionOf(readDocument('docs/security.md'), '## What a gap means'));
  expect(rows.map((row) => row.gap).sort()).toEqual([...GAP_NAMES].sort());
});

test('sections that messages of the agent name → are there', () => {
  expect(readDocument('docs/troubleshooting.md')).toMatch(/^## The check found errors$/m);
});
