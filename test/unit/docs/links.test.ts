import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, readDocument } from '../../helpers/docs.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

/** A document without what is only shown: code is no link. */
function prose(path: string): string {
  return readDocument(path)
    .replace(/^( *)(`{3,}).*?^\1\2 *$/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()#]/g, ' '));
}

function linksOf(path: string): string[] {
  return [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** As GitHub makes them: lower case, punctuation away, blanks to dashes; a second one of a name gets a number. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const text = readDocument(path).replace(/^( *)(`{3,}).*?^\1\2 *$/gms, '');
  for (const [, title = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n += 1) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

describe.each(documents())('the links of %s', (path) => {
  const relative = linksOf(path).filter((target) => !/^[a-z]+:/.test(target));

  test('relative → each leads to a file, and to a heading in it', () => {
    const broken = relative.filter((target) => {
      const [file = '', anchor] = target.split('#');
      const goal = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(repositoryRoot, goal))) return true;
      return anchor !== undefined && !anchorsOf(goal).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('to the outside → https alone', () => {
    const outside = linksOf(path).filter((target) => /^[a-z]+:/.test(target));
    expect(outside.filter((target) => !target.startsWith('https://'))).toEqual([]);
  });
});

test('every document of docs/ → can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const path of reached) {
    for (const target of linksOf(path)) {
      const goal = normalize(join(dirname(path), target.split('#')[0] ?? ''));
      if (goal.endsWith('.md') && !/^[a-z]+:/.test(target)) reached.add(goal);
    }
  }
  expect(documents().filter((path) => path !== 'config/README.md' && !reached.has(path))).toEqual([]);
});
