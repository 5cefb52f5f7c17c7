import { humanBytes, humanDuration } from '../core/units.ts';
import type { Progress } from '../jobs/job.ts';

/** One line at a terminal that says how far something is, and is written over. */
export interface ProgressLine {
  show(progress: Progress): void;
  /** Takes the line away. */
  clear(): void;
}

/** The terminal, as far as it is needed. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const EVERY_MS = 200;
/** Also where nothing is heard for long, as while a server builds an index: the time goes on. */
const TICK_MS = 1000;

/** Nothing is shown where there is no terminal. `now` counts milliseconds from anywhere. */
export function createProgressLine(
  terminal: Terminal,
  now: () => number = () => performance.now(),
): ProgressLine {
  let latest: Progress | null = null;
  let startedAt = 0;
  let shownAt: number | null = null;
  let ticking: NodeJS.Timeout | null = null;

  const clear = () => {
    if (ticking !== null) clearInterval(ticking);
    if (shownAt !== null) terminal.write('\r\x1b[K');
    [latest, shownAt, ticking] = [null, null, null];
  };
  const draw = () => {
    if (latest === null) return;
    shownAt = now();
    terminal.write(`\r\x1b[K${fitting(describe(latest, shownAt - startedAt), terminal.columns)}`);
  };
  return {
    clear,
    show: (progress) => {
      if (terminal.isTTY !== true) return;
      if (progress.step !== latest?.step) {
        clear();
        startedAt = now();
      }
      latest = progress;
      // Nobody's process stays alive for a line.
      ticking ??= setInterval(draw, TICK_MS).unref();
      if (shownAt === null || now() - shownAt >= EVERY_MS) draw();
    },
  };
}

/** What is wider than the terminal would begin a new line each time. */
function fitting(text: string, columns = 0): string {
  // Names of tables stand in it, and may hold anything.
  const plain = text.replace(/\p{Cc}/gu, '?');
  return columns > 1 && plain.length >= columns ? `${plain.slice(0, columns - 2)}…` : plain;
}

function describe(progress: Progress, elapsedMs: number): string {
  const { step, dumpBytes, storedBytes, detail } = progress;
  const rate = elapsedMs > 500 ? `, ${humanBytes(Math.round((dumpBytes / elapsedMs) * 1000))}/s` : '';
  const stored = storedBytes === 0 ? '' : ` → ${humanBytes(storedBytes)}`;
  const moved = dumpBytes === 0 ? [] : [`${humanBytes(dumpBytes)}${stored}${rate}`];
  const told = [
    ...moved,
    ...shareOf(progress),
    ...left(progress, elapsedMs),
    ...(detail === undefined ? [] : [detail]),
  ];
  return `${step}… ${[...told, humanDuration(elapsedMs)].join(', ')}`;
}

function shareOf({ dumpBytes, totalBytes = 0 }: Progress): string[] {
  if (totalBytes === 0 || dumpBytes === 0) return [];
  return [`${Math.floor(Math.min(1, dumpBytes / totalBytes) * 100)} %`];
}

/** By the rate so far, or by what it took the last time: the longer of the two, for the bytes say nothing of what comes after them. */
function left({ dumpBytes, totalBytes = 0, expectedMs = 0 }: Progress, elapsedMs: number): string[] {
  const share = totalBytes === 0 ? 0 : Math.min(1, dumpBytes / totalBytes);
  const byRate = elapsedMs > 2000 && share > 0 ? (elapsedMs / share) * (1 - share) : 0;
  const rest = Math.max(byRate, expectedMs - elapsedMs);
  return rest <= 0 ? [] : [`about ${humanDuration(rest)} left`];
}
