import { describeError, HoldfastError, type ErrorKind } from '../../../core/errors.ts';

/** What an error means that came after the commit was asked for: where it is no word of the server's, nobody knows whether it was done. */
export function inDoubt(database: string, error: unknown): unknown {
  const { kind, message } = describeError(error);
  if (!UNANSWERED.includes(kind)) return error;
  const why = kind === 'source_unreachable' ? message : 'the server did not answer in time';
  return new HoldfastError(
    'source_unreachable',
    `the connection ended as ${database} was put in place, and whether it was is not known: ${why}`,
    {
      hint: 'It is whole, and what it was, or what the snapshot has (then maybe after a while only): look, and restore again where it is not the latter.',
      cause: error,
    },
  );
}

/** Nobody is asked to stop any more: it is the limit for the commit that interrupts then. */
const UNANSWERED: ErrorKind[] = ['source_unreachable', 'interrupted', 'timeout'];
