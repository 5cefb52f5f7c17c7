import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksOf, documents } from '../../helpers/docs.ts';
import { EXECUTED_BY, LANGUAGES, marked, NOT_RUN, type Mark } from '../../helpers/documented.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

const isIn = <T extends object>(known: T, name: string): name is keyof T & string =>
  Object.hasOwn(known, name);

describe.each(documents())('the blocks of %s', (file) => {
  const blocks = blocksOf(file).map((block) => ({ block, where: `${file}:${block.line}` }));

  test('what people type or put into a file → is executed by a test, or has a reason why not', () => {
    const unaccounted = blocks.filter(({ block }) => {
      const reason = block.attributes['not-run'];
      const accounted = reason === undefined ? block.marks.length > 0 : isIn(NOT_RUN, reason);
      return LANGUAGES.includes(block.language) && !accounted;
    });
    expect(unaccounted.map(({ where }) => where)).toEqual([]);
  });

  test('marks → are those that a test knows', () => {
    const unknown = blocks.flatMap(({ block, where }) =>
      block.marks.filter((mark) => !isIn(EXECUTED_BY, mark)).map((mark) => `${where}: ${mark}`),
    );
    expect(unknown).toEqual([]);
  });

  test('what has no language → is a picture or an answer, and no command', () => {
    const command = /^(?:docker|holdfast|restic|scripts\/|npm|sudo|gunzip|curl|git|export) ?\S/m;
    const disguised = blocks.filter(({ block }) => {
      return !LANGUAGES.includes(block.language) && (block.language !== '' || command.test(block.text));
    });
    expect(disguised.map(({ where }) => where)).toEqual([]);
  });
});

test.each(Object.entries(EXECUTED_BY))(
  'blocks marked %s → there are some, and %s asks for them',
  (mark, path) => {
    expect(marked(mark as Mark).length).toBeGreaterThan(0);
    const text = readFileSync(join(repositoryRoot, path), 'utf8');
    expect(text).toMatch(new RegExp(`(?:marked|theOne|stepsOf)\\('${mark}'`));
  },
);
