import { HoldfastError, type ErrorKind } from '../../../core/errors.ts';
import type { WholeEntry } from '../archive-contents.ts';

/** Statements and rows are passed on as they are, on a connection that speaks UTF-8: throws of this kind for any other dump. */
export function requireUtf8(entries: WholeEntry[], kind: ErrorKind): void {
  const encoding = entries.find((entry) => entry.kind === 'ENCODING')?.definition ?? '';
  if (/'UTF-?8'/i.test(encoding)) return;
  throw new HoldfastError(kind, 'the dump is not of a database in UTF-8; nothing was changed', {
    hint: 'Restore the whole database beside this one with --to NAME, and take the schema from there.',
  });
}
