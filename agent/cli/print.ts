import { describeError } from '../core/errors.ts';
import { humanBytes, humanDuration } from '../core/units.ts';
import type { Progress } from '../jobs/job.ts';

/** The only place that writes to the terminal: answers to stdout, everything else to stderr. */
export interface Print {
  /** The answer, for people. */
  line(text: string): void;
  /** The answer, for programs: one JSON document. */
  json(value: unknown): void;
  /** Columns as wide as their widest cell; the last column is not padded. */
  table(head: string[], rows: string[][]): void;
  /** For a person who watches: nothing where stderr is no terminal. */
  progress(progress: Progress): void;
  /** Takes away the line that progress wrote: what it came to is told next. */
  progressDone(): void;
  note(text: string): void;
  error(error: unknown): void;
}

const PROGRESS_EVERY_MS = 200;

export function createPrint(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Print {
  let step = '';
  let startedAt = 0;
  let shownAt = 0;
  let shown = false;

  const progressDone = () => {
    if (shown) stderr.write('\r\x1b[K');
    shown = false;
    step = '';
  };
  const note = (text: string) => {
    progressDone();
    stderr.write(`${text}\n`);
  };
  return {
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
    progress: (progress) => {
      if (!stderr.isTTY) return;
      const now = performance.now();
      if (progress.step !== step) {
        progressDone();
        step = progress.step;
        startedAt = now;
        shownAt = 0;
      }
      if (shownAt !== 0 && now - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = now;
      shown = true;
      stderr.write(`\r\x1b[K${describe(progress, now - startedAt)}`);
    },
    progressDone,
    note,
    error: (error) => {
      const { message, hint } = describeError(error);
      note(`error: ${message}`);
      if (hint !== null) stderr.write(`hint: ${hint}\n`);
    },
  };
}

function describe({ step, dumpBytes, storedBytes, totalBytes }: Progress, elapsedMs: number): string {
  const rate = elapsedMs > 500 ? `, ${humanBytes(Math.round((dumpBytes / elapsedMs) * 1000))}/s` : '';
  const stored = storedBytes === 0 ? '' : ` → ${humanBytes(storedBytes)}`;
  const moved = dumpBytes === 0 ? '' : ` ${humanBytes(dumpBytes)}${stored}${rate}`;
  return `${step}…${moved}${left(dumpBytes, totalBytes, elapsedMs)} ${humanDuration(elapsedMs)}`;
}

/** How much of it that is, and how long the rest takes at this rate. */
function left(dumpBytes: number, totalBytes: number | undefined, elapsedMs: number): string {
  if (totalBytes === undefined || totalBytes === 0 || dumpBytes === 0) return '';
  const share = Math.min(1, dumpBytes / totalBytes);
  const rest =
    elapsedMs > 2000 && share < 1 ? `, ${humanDuration((elapsedMs / share) * (1 - share))} left` : '';
  return `, ${Math.floor(share * 100)} %${rest},`;
}
