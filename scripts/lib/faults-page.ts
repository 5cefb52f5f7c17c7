/**
 * For scripts/test faults --write: puts the results of vitest's JSON report into docs/faults.md. Rows that did not run keep theirs, marked where
 * their file has changed since. Without a report it writes just that.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { fileHash, pageOf, resultsOn, type RowResult } from '../../test/faults/page.ts';
import { POSTGRES_ROOT, postgresMajors } from '../../test/helpers/postgres.ts';
import { AREAS } from '../../test/faults/table.ts';

interface Report {
  startTime: number;
  testResults: { assertionResults: { title: string; status: string }[] }[];
}

const path = join(import.meta.dirname, '../../docs/faults.md');
const [, , given] = process.argv;
const report: Report =
  given === undefined
    ? { startTime: 0, testResults: [] }
    : (JSON.parse(readFileSync(given, 'utf8')) as Report);
const ended = report.testResults.flatMap(({ assertionResults }) => assertionResults);
/** The first number with a point in what a program says of its version. */
const versionOf = (program: string, argument: string) =>
  /\d+(\.\d+)+/.exec(execFileSync(program, [argument]).toString())?.[0] ?? 'of an unknown version';

const about = {
  versions: [
    `MariaDB ${versionOf('mariadbd', '--version')}`,
    `PostgreSQL ${versionOf(join(POSTGRES_ROOT, String(postgresMajors()[0]), 'bin/postgres'), '--version')}`,
    `restic ${versionOf('restic', 'version')}`,
  ].join(', '),
  run: new Date(report.startTime).toISOString().slice(0, 10),
  seed: process.env['HOLDFAST_SEED'] ?? '',
};

const results = new Map<string, RowResult>(existsSync(path) ? resultsOn(readFileSync(path, 'utf8')) : []);
for (const { file, faults } of AREAS)
  for (const { name, on } of faults) {
    const statuses = ended.filter(({ title }) => title === name).map(({ status }) => status);
    const failed = statuses.includes('failed');
    const passed = statuses.filter((status) => status === 'passed').length === on.length;
    if (failed || passed)
      results.set(name, { result: failed ? 'FAILED' : 'passed', ...about, rows: fileHash(file) });
  }
writeFileSync(path, await format(pageOf(results), { ...(await resolveConfig(path)), parser: 'markdown' }));
