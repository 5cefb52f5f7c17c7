import { describeError, HoldfastError } from '../../../core/errors.ts';
import { codeOf } from '../errors.ts';
import { isLost } from './snapshot.ts';

/** Why there is no proof, in words for a person, when the session that reads it fails. */
export function sessionFailure(error: unknown): string {
  return `the session of the proof failed: ${isCut(error) ? 'its connection was terminated' : wordsOf(error)}`;
}

/**
 * What the server says before it cuts a connection is read, or is lost with it, as it happens: then the system's or the driver's
 * words are left, `read ECONNRESET` for example, which tell a person nothing.
 */
function isCut(error: unknown): boolean {
  return !(error instanceof HoldfastError) && isLost(error) && !codeOf(error).startsWith('57P');
}

function wordsOf(error: unknown): string {
  return describeError(error).message || 'it ended without a word';
}
