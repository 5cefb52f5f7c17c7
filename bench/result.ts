/** One line of the table. */
export interface Result {
  /** As `--only` names it. */
  row: string;
  measure: string;
  ours: number;
  /** Null where there is nothing to compare with. */
  theirs: number | null;
  unit: 's' | 'ms' | 'MB' | 'backups' | 'requests/s';
  /** What is compared with the target: the ratio, or `ours` where there is no other side. */
  value: number;
  target: number | null;
  /** Whether the target is what may at most be (`less`, the rule) or what must at least be. */
  better: 'less' | 'more';
  /** Null where there is no target. */
  reached: boolean | null;
  /** What "theirs" was, and what "ours" includes. */
  note: string;
  /** Everything that was measured, for the file. */
  details: Record<string, unknown>;
}

type Given = Omit<Result, 'value' | 'reached' | 'better'> & { ratio?: number; better?: Result['better'] };

/** Judges a row. */
export function result({ ratio, better = 'less', ...given }: Given): Result {
  const value = ratio ?? (given.theirs === null ? given.ours : given.ours / given.theirs);
  const isReached = (target: number) => (better === 'less' ? value <= target : value >= target);
  return { ...given, better, value, reached: given.target === null ? null : isReached(given.target) };
}

/** The results as a table for a terminal and for Markdown alike. */
export function tableOf(results: Result[]): string {
  const lines = [
    ['measure', 'ours', 'theirs', 'ratio', 'target', ''],
    ...results.map((line) => [
      `${line.row}: ${line.measure}`,
      amount(line.ours, line.unit),
      line.theirs === null ? '–' : amount(line.theirs, line.unit),
      line.theirs === null ? '–' : line.value.toFixed(line.value < 0.1 ? 3 : 2),
      line.target === null
        ? '–'
        : `${line.better === 'less' ? '≤' : '≥'} ${line.target}${line.theirs === null ? ` ${line.unit}` : ''}`,
      line.reached === null ? '' : line.reached ? 'reached' : 'MISSED',
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const shown = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`,
  );
  return [shown[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...shown.slice(1)].join(
    '\n',
  );
}

function amount(value: number, unit: Result['unit']): string {
  return `${value.toFixed(unit === 'backups' || unit === 'requests/s' ? 0 : value < 10 ? 2 : 1)} ${unit}`;
}
