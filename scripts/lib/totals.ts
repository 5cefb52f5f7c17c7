/** For scripts/test: "PASSED FAILED SKIPPED" of a layer. */
import { readReport } from './vitest-report.ts';

const { passed, failures, skipped } = readReport(process.argv[2] ?? '');
console.log(passed, failures.length, skipped);
