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
];
const RESULT_CELLS = 4;

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
    const [result = '', run = '', seed = '', versions = ''] = row.slice(-RESULT_CELLS);
    return [name, { result, run, seed, versions }] as const;
  });
  return new Map(results);
}

/** The page: every row of the table in code, with its last result. */
export function pageOf(results: Map<string, RowResult>): string {
  const sections = AREAS.map(({ title, faults }) => {
    const rows = faults.map((fault) => {
      const { result, run, seed, versions } = results.get(fault.name) ?? NOT_RUN;
      return rowOf([...cellsOf(fault), result, run, seed, versions]);
    });
    return [`## ${title}`, '', rowOf(HEADINGS), rowOf(HEADINGS.map(() => '---')), ...rows].join('\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}

const NOT_RUN: RowResult = { result: 'not run', run: '', seed: '', versions: '' };

function rowOf(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

const INTRODUCTION = `# Faults

What goes wrong with backups is done here on purpose, to the real agent with real MariaDB, PostgreSQL and restic, and what it leaves is looked at. \`scripts/test faults\` does it; this page is written by \`scripts/test faults --write\`.

After each single fault the same is asserted, whatever the fault was:

- **The alarm is raised**: the command exits with another code than 0, and names the cause in words. A killed agent can say nothing; the next run says that it died.
- **Nothing is green that was not**: neither the heartbeat (\`last_ok\`) nor the last verification (\`last_verified\`) has moved.
- **No good backup is gone**: every snapshot of before is still there, and the good dump restores to the same bytes.
- **The source is unharmed**: rows and checksums of all its tables are what they were before the command.
- **The next run is good**: when the fault is over, a backup succeeds without a warning and the heartbeat moves. After faults of verifications and of what is stored, a verification proves what is stored equal too (there a warning of the retention is right, which removes nothing while the last check or verification failed; and where a planted dump is left, the backup warns of it).

Where a fault rightly ends otherwise (a dump that is good and lacks its proof, a source that the fault itself changes), its row says so. Random places and moments come from a seed, which every run prints;
given again it gives the same ones.
`;
