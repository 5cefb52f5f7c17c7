import { describeError } from '../core/errors.ts';
import type { Source } from './source.ts';

/** So long a server may take to say that it is there. */
export const ANSWER_TIMEOUT_MS = 15_000;

/** Why the server of a source does not answer, as a sentence part; null where it does. */
export async function whyNoAnswer(server: Source): Promise<string | null> {
  try {
    await server.listDatabases('', AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    return null;
  } catch (error) {
    return describeError(error).message;
  }
}
