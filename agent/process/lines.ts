import type { Readable } from 'node:stream';

/** What is kept of a child's stderr: enough to name the cause, bounded whatever it prints. */
export interface LineLog {
  /** The lines so far: the first, those that matter and the last ones, with a line between that says how many were dropped. */
  lines(): string[];
  /** Resolves once a line matches, also one that has passed already. */
  said(pattern: RegExp): Promise<void>;
  /** Settles when the stream has ended. */
  readonly ended: Promise<void>;
}

const KEEP_FIRST = 40;
const KEEP_LAST = 40;
const KEEP_MATTERING = 40;
const MAX_LINE_CHARACTERS = 2_000;

/** Reads a stream to its end, line by line, with every secret replaced. Drains it even where nobody listens: an unread pipe blocks its writer. */
export function collectLines(
  stream: Readable,
  options: {
    secrets: string[];
    onLine?: ((line: string) => void) | undefined;
    /** A line that must not be among the dropped ones, as the first forty of its kind are not. */
    matters?: ((line: string) => boolean) | undefined;
  },
): LineLog {
  const first: string[] = [];
  const mattering: string[] = [];
  const last: string[] = [];
  let dropped = 0;
  let rest = '';
  const waiting = new Map<RegExp, () => void>();

  const add = (raw: string) => {
    // Masked first: a secret that the cut goes through would not be known as one any more.
    const line = mask(raw.trimEnd(), options.secrets).slice(0, MAX_LINE_CHARACTERS);
    if (line === '') return;
    options.onLine?.(line);
    for (const [pattern, resolve] of waiting) if (pattern.test(line)) resolve();
    if (first.length < KEEP_FIRST) return void first.push(line);
    last.push(line);
    if (last.length <= KEEP_LAST) return;
    const left = last.shift();
    if (left !== undefined && mattering.length < KEEP_MATTERING && options.matters?.(left) === true)
      mattering.push(left);
    else dropped += 1;
  };

  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split(/\r?\n|\r/);
    rest = (parts.pop() ?? '').slice(-64 * 1024);
    parts.forEach(add);
  });
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      if (rest !== '') add(rest);
      rest = '';
      resolve();
    };
    stream.once('close', end);
    stream.once('end', end);
    stream.on('error', end);
  });
  const lines = () => [
    ...first,
    ...mattering,
    ...(dropped === 0 ? [] : [`(${dropped} lines left out)`]),
    ...last,
  ];
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      if (lines().some((line) => pattern.test(line))) resolve();
      else waiting.set(pattern, resolve);
    });
  return { lines, said, ended };
}

/** Replaces every secret by `***`; secrets shorter than four characters would mask innocent text and are left. */
export function mask(text: string, secrets: readonly string[]): string {
  // The longest first: one that begins with another would leave its rest.
  return secrets
    .filter((secret) => secret.length >= 4)
    .toSorted((one, other) => other.length - one.length)
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
