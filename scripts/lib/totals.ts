/** For scripts/test: "PASSED FAILED SKIPPED" out of vitest's JSON report. A file that could not even be loaded counts as one failure. */
import { readFileSync } from 'node:fs';

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
);
console.log(
  report.numPassedTests,
  report.numFailedTests + broken.length,
  report.numPendingTests + report.numTodoTests,
);
