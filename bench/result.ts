/** One line of the table. */
export interface Result {
  /** As `--only` names it. */
  row: string;
  measure: string;
  ours: number;
  /** Null where there is nothing to compare with. */
  theirs: number | null;
  unit: 's' | 'MB' | 'backups';
  /** What is compared with the target: the ratio, or `ours` where there is no other side. */
  value: number;
  target: number | null;
  /** Null where there is no target. */
  reached: boolean | null;
  /** What "theirs" was, and what "ours" includes. */
  note: string;
  /** Everything that was measured, for the file. */
  details: Record<string, unknown>;
}

type Given = Omit<Result, 'value' | 'reached'> & { ratio?: number };

/** Judges a row: at most the target is reached. */
export function result({ ratio, ...given }: Given): Result {
  const value = ratio ?? (given.theirs === null ? given.ours : given.ours / given.theirs);
  return { ...given, value, reached: given.target === null ? null : value <= given.target };
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
      line.target === null ? '–' : `≤ ${line.target}${line.theirs === null ? ` ${line.unit}` : ''}`,
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
  return `${value.toFixed(unit === 'backups' ? 0 : value < 10 ? 2 : 1)} ${unit}`;
}
