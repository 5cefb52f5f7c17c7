import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface Report {
  numPassedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

export interface Ended {
  passed: number;
  skipped: number;
  /** Which failed and why, as vitest says it. A file that could not even be loaded is one of them. */
  failures: { what: string; why: string }[];
}

/** How a layer ended, out of vitest's JSON report. */
export function readReport(path: string): Ended {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return {
    passed: report.numPassedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: report.testResults.flatMap(({ name, status, message, assertionResults }) => {
      const file = relative(process.cwd(), name);
      const failed = assertionResults.filter((test) => test.status === 'failed');
      if (failed.length === 0) return status === 'failed' ? [{ what: file, why: message }] : [];
      return failed.map(({ fullName, failureMessages }) => ({
        what: `${file}: ${fullName}`,
        why: failureMessages.join('\n'),
      }));
    }),
  };
}
