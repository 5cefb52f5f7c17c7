import { expect, test } from 'vitest';
import { watchLastLine } from '../../../agent/sources/mysql/last-line.ts';

const isThere = (...chunks: string[]) => {
  const lastLine = watchLastLine();
  for (const chunk of chunks) lastLine.push(Buffer.from(chunk));
  return lastLine.isThere();
};

test.each([
  ['with a time', ['UNLOCK TABLES;\n-- Dump completed on 2026-11-21  3:00:04\n']],
  ['without one', ['UNLOCK TABLES;\n\n-- Dump completed\n']],
  ['in pieces', ['UNLOCK TABLES;\n-- Du', 'mp comp', 'leted\n']],
  ['after a long dump', [`${'x'.repeat(100_000)}\n`, '-- Dump completed\n']],
])('the last line %s → is there', (_, chunks) => {
  expect(isThere(...chunks)).toBe(true);
});

test.each([
  ['nothing', []],
  ['between two statements', ['-- Dump completed\n', 'UNLOCK TABLES;\n']],
  ['within it', ['UNLOCK TABLES;\n-- Dump comple']],
  ['in a row', ["INSERT INTO `t` VALUES ('-- Dump completed\n"]],
])('a dump that ends with %s → is not there', (_, chunks) => {
  expect(isThere(...chunks)).toBe(false);
});
