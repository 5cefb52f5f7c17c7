/** For scripts/test: each failed test of vitest's JSON report with the beginning of its error, so that the last page of a log is enough to know what broke. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

const LINES = 12;

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
for (const { name, status, message, assertionResults } of report.testResults) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) tell(`${file}: ${test.fullName}`, test.failureMessages.join('\n'));
  if (status === 'failed' && failed.length === 0) tell(file, message);
}

function tell(what: string, why: string) {
  const lines = stripVTControlCharacters(why).trim().split('\n').slice(0, LINES);
  console.log([`✗ ${what}`, ...lines.map((line) => `    ${line.slice(0, 400)}`)].join('\n'));
}
