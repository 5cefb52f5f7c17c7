/** What a dump or load client said, sorted by whether the result may be trusted. */
export interface Judgement {
  errors: string[];
  warnings: string[];
}

const HARMLESS = [
  // We ask for options by the `loose` form where only some releases have them.
  /unknown (?:option|variable) '--loose/i,
  /Using a password on the command line interface can be insecure/,
];
const WARNING = /^\S+: \[?warning\]?|^(?:[\w-]+: )?-- Warning|^pg_\w+: (?:warning|hint|detail):/i;
const ERROR =
  /error|couldn't|can't|cannot|could not|denied|insufficient|fail|lost connection|gone away|refus|unknown|fatal|abort|does(?:n't| not) exist|not allowed|out of (?:memory|range)/i;

/**
 * Sorts stderr lines. A client may print an error and still exit with 0, so every line that speaks of trouble counts as
 * an error; whatever else it says is worth a person's eye.
 */
export function judgeStderr(lines: string[]): Judgement {
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const line of lines) {
    if (HARMLESS.some((pattern) => pattern.test(line))) continue;
    if (isError(line)) errors.push(line);
    else warnings.push(line);
  }
  return { errors, warnings };
}

/** Whether a line speaks of trouble: then it must be judged, however many warnings stand around it. */
export function isError(line: string): boolean {
  return !WARNING.test(line) && ERROR.test(line) && !HARMLESS.some((pattern) => pattern.test(line));
}

/** `mariadb-dump: Error 1412: …` without the program's name, which the message names already. */
export function withoutProgram(line: string): string {
  return line.replace(
    /^\S*?(?:mysqldump|mariadb-dump|mariadb|mysql|pg_dump|pg_dumpall|pg_restore|psql): /,
    '',
  );
}
