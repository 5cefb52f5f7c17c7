import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import { AREAS } from './table.ts';

/** How a row ended when it was last run. */
export interface RowResult {
  result: string;
  /** `2026-11-21`, and the seed of its random places. */
  run: string;
  seed: string;
  /** What it was run with: `MariaDB 10.11.14, PostgreSQL 15.18, restic 0.19.1`. */
  versions: string;
  /** What the file of the row said then: `fileHash`. */
  rows: string;
}

const HEADINGS = [
  'Fault',
  'On',
  'What is done',
  'Times on each',
  'Asserted beside the rest',
  'Result',
  'Run on',
  'Seed',
  'With',
  'Rows',
];
/** Cells of a row that tell of its result; what is before them, the table in code says. */
export const RESULT_CELLS = 5;

/** What the table in code says of a fault, as the first cells of its row on the page. */
export function cellsOf({ name, on, done, times, asserted }: Fault): string[] {
  return [name, on.map((engine) => engine.name).join(', '), done, String(times), asserted];
}

/** Every row of the tables of a page: its cells, by the name of the fault. */
export function rowsOn(page: string): Map<string, string[]> {
  const lines = page.split('\n').filter((line) => line.startsWith('| '));
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return new Map(
    rows.filter(([first = '']) => first !== HEADINGS[0] && !/^-+$/.test(first)).map((row) => [row[0]!, row]),
  );
}

/** The results that stand on a page. */
export function resultsOn(page: string): Map<string, RowResult> {
  const results = [...rowsOn(page)].map(([name, row]) => {
    const [result = '', run = '', seed = '', versions = '', of = ''] = row.slice(-RESULT_CELLS);
    return [name, { result, run, seed, versions, rows: of }] as const;
  });
  return new Map(results);
}

/** The page: every row of the table in code, with its last result; one that was got before its file changed counts no more. */
export function pageOf(results: Map<string, RowResult>): string {
  const sections = AREAS.map(({ title, file, faults }) => {
    const rows = faults.map((fault) =>
      rowOf([...cellsOf(fault), ...resultCells(results.get(fault.name), file)]),
    );
    return [`## ${title}`, '', rowOf(HEADINGS), rowOf(HEADINGS.map(() => '---')), ...rows].join('\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}

/** What a file of rows says, whatever its layout. */
export function fileHash(file: string): string {
  const text = readFileSync(file, 'utf8').replaceAll(/\s+/g, '');
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function resultCells(last: RowResult | undefined, file: string): string[] {
  if (last === undefined) return ['not run', '', '', '', ''];
  const { result, run, seed, versions, rows } = last;
  const isCurrent = result === 'not run' || rows === fileHash(file);
  return [isCurrent ? result : CHANGED_SINCE, run, seed, versions, rows];
}

const CHANGED_SINCE = 'to be run again: changed since';

function rowOf(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

const INTRODUCTION = `# Faults

What goes wrong with backups is done here on purpose, to the real agent with real MariaDB, PostgreSQL and restic, and what it leaves is looked at. \`scripts/test faults\` does it; this page is written by \`scripts/test faults --write\`.

After each single fault the same is asserted, whatever the fault was:

- **The alarm is raised**: the command exits with another code than 0, and names the cause in words. A killed agent can say nothing; the next run that ends by itself says of each run that died that it did, and the ledger has it as interrupted.
- **Nothing is green that was not**: neither the heartbeat (\`last_ok\`) nor the last verification (\`last_verified\`) has moved, \`status.json\` shows no later success or proof, and shows the run as what it was. What a killed agent left green is so by a run that the ledger knows as good.
- **No good backup is gone**: every snapshot of before is still there (after a kill in which the retention was at work, all that the newest good run stored), and the good dump restores to the same bytes.
- **The source is unharmed**: rows and checksums of all its tables, and the definitions of tables, views, routines, triggers and more, are what they were before the command.
- **The next run is good**: when the fault is over, a backup succeeds without a warning and the heartbeat moves. After faults of verifications and of what is stored, a verification proves what is stored equal too (there a warning of the retention is right, which removes nothing while the last check or verification failed; and where a planted dump is left, the backup warns of it).

A result counts for the rows as they were: the last column is a hash of the file in \`test/faults/rows/\` that the row stands in, and where that has changed since, the result says so.

Where a fault rightly ends otherwise (a dump that is good and lacks its proof, a source that the fault itself changes), its row says so. Random places and moments come from a seed, which every run prints;
given again it gives the same ones.
`;
