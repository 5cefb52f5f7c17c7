import { describeError } from '../core/errors.ts';
import type { Progress } from '../jobs/job.ts';
import { createProgressLine } from './progress.ts';

/** The only place that writes to the terminal: answers to stdout, everything else to stderr. */
export interface Print {
  /** The answer, for people. */
  line(text: string): void;
  /** The answer, for programs: one JSON document. */
  json(value: unknown): void;
  /** Columns as wide as their widest cell; the last column is not padded. */
  table(head: string[], rows: string[][]): void;
  /** Whether a person watches: stderr is a terminal. */
  readonly watched: boolean;
  /** For that person; nothing otherwise. */
  progress(progress: Progress): void;
  /** Takes away the line that progress wrote: what it came to is told next. */
  progressDone(): void;
  note(text: string): void;
  error(error: unknown): void;
}

export function createPrint(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Print {
  const progress = createProgressLine(stderr);
  const note = (text: string) => {
    progress.clear();
    stderr.write(`${text}\n`);
  };
  return {
    watched: stderr.isTTY,
    line: (text) => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    table: (head, rows) => {
      const widths = head.map((title, column) =>
        Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
      );
      const padded = (row: string[]) =>
        row
          .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
          .join('  ')
          .trimEnd();
      for (const row of [head, ...rows]) stdout.write(`${padded(row)}\n`);
    },
    progress: (now) => progress.show(now),
    progressDone: () => progress.clear(),
    note,
    error: (error) => {
      const { message, hint } = describeError(error);
      note(`error: ${message}`);
      if (hint !== null) stderr.write(`hint: ${hint}\n`);
    },
  };
}
