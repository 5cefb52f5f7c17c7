/** For scripts/test: each failed test of a layer with the beginning of its error, so that the last page of a log is enough to know what broke. */
import { stripVTControlCharacters } from 'node:util';
import { readReport } from './vitest-report.ts';

const LINES = 12;

for (const { what, why } of readReport(process.argv[2] ?? '').failures) {
  const lines = stripVTControlCharacters(why).trim().split('\n').slice(0, LINES);
  console.log([`✗ ${what}`, ...lines.map((line) => `    ${line.slice(0, 400)}`)].join('\n'));
}
