import type { Ledger } from '../../ledger/ledger.ts';
import { humanDuration } from '../../core/units.ts';

/** The sources in the order in which they are to be verified: the one whose last verification is oldest first, one without any before it. */
export function oldestFirst<T extends { name: string }>(sources: T[], ledger: Pick<Ledger, 'recent'>): T[] {
  const turn = new Map(sources.map(({ name }) => [name, lastTried(ledger, name)]));
  return sources.toSorted((one, other) => (turn.get(one.name) ?? 0) - (turn.get(other.name) ?? 0));
}

/**
 * Says why no further source is begun, once the time is over that they have together, in these words; the first one always has its turn.
 * `now` counts milliseconds from anywhere.
 */
export function createBudget(
  seconds: number,
  now: () => number,
  words = `the verifications before it took longer than the ${humanDuration(seconds * 1000)} that all have together (VERIFY_BUDGET)`,
): () => string | null {
  let startedAt: number | null = null;
  return () => {
    if (startedAt === null) {
      startedAt = now();
      return null;
    }
    return now() - startedAt < seconds * 1000 ? null : words;
  };
}

/** So many runs back; one that did not even begin says nothing. */
const LOOK_BACK = 100;

function lastTried(ledger: Pick<Ledger, 'recent'>, source: string): number {
  const runs = ledger.recent({ job: 'verify', source, limit: LOOK_BACK });
  return runs.find(({ result }) => result === 'succeeded' || result === 'failed')?.id ?? 0;
}
