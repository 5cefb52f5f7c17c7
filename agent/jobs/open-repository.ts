import { listedOnce } from './one-listing.ts';
import type { Repository } from '../repository/repository.ts';

/**
 * The repository for a job that reads: it has answered, and its snapshots are listed while it did, once for the whole job. Throws what
 * `answer` throws; by default it asks for the id, which clears a lock that a killed program left, or waits for a living one: reading takes
 * a lock of its own and does neither.
 */
export async function openToRead(
  repository: Repository,
  signal: AbortSignal,
  answer: () => Promise<unknown> = () => repository.identify(signal),
): Promise<Repository> {
  const once = listedOnce(repository);
  const stop = new AbortController();
  // What is wrong with it, whoever asks for the list will be told.
  once.list({}, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
  try {
    await answer();
    return once;
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}
