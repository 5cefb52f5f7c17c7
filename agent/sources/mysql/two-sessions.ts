import type { MysqlSession } from './session.ts';

/** Opens one more session beside the first, for the work alone. */
export type OpenAnother = (work: (session: MysqlSession) => Promise<void>) => Promise<void>;

/**
 * Does the work for each of the items, two at once where the server lets another session in, and gives the results in the order of
 * the items. What fails ends both once they are through with what they have begun, and the first failure is thrown.
 */
export async function inTwoSessions<T, R>(
  first: MysqlSession,
  another: OpenAnother,
  items: readonly T[],
  work: (session: MysqlSession, item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const failures: unknown[] = [];
  const waiting = items.entries();
  const take = async (session: MysqlSession) => {
    try {
      // One iterator for both: each takes what the other has not taken.
      for (const [i, item] of waiting) {
        if (failures.length > 0) return;
        results.set(i, await work(session, item));
      }
    } catch (error) {
      failures.push(error);
    }
  };
  const lost: unknown[] = [];
  // A server without room for a second one is read by the first alone; one that was cut off may have taken an item with it.
  const second =
    items.length < 2 ? Promise.resolve() : another(take).catch((error: unknown) => void lost.push(error));
  await Promise.all([take(first), second]);
  if (failures.length > 0 || results.size < items.length) throw [...failures, ...lost][0];
  return items.map((_, i) => results.get(i) as R);
}
