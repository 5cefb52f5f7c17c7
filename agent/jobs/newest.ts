import { utc } from '../core/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Snapshot } from '../repository/repository.ts';

/** What is known beside the times that snapshots bear, which are those of a clock that may have been wrong. */
export interface Known {
  ledger: Pick<Ledger, 'recent'>;
  now: () => Date;
}

export interface Newest {
  snapshot: Snapshot;
  /** Why it is not the one that bears the latest time, as a sentence part; null where it is. */
  note: string | null;
}

/** Clocks differ by a little; what is further ahead has a wrong time. */
const AHEAD_MS = 5 * 60_000;

/** The snapshots whose time has not come yet: the clock was ahead when they were made, or is behind now. */
export function aheadOf<T extends { time: string }>(snapshots: T[], now: Date): T[] {
  return snapshots.filter(({ time }) => Date.parse(time) > now.getTime() + AHEAD_MS);
}

/**
 * The newest of a source's dumps, which are given oldest first: of those that the ledger knows, the one whose run began last, whatever
 * the clock said; of others, one that bears a later time, unless that has not come yet. Null for none.
 */
export function newestOf(source: string, dumps: Snapshot[], { ledger, now }: Known): Newest | null {
  const latest = dumps.at(-1);
  if (latest === undefined) return null;
  const order = ledger
    .recent({ job: 'backup', source, result: 'succeeded', limit: 1000 })
    .flatMap(({ facts }) => facts.snapshotId ?? []);
  const isKnown = ({ id, originalId }: Snapshot) => order.includes(id) || order.includes(originalId);
  const ahead = aheadOf(dumps, now());
  const credible = dumps.filter((dump) => !ahead.includes(dump));
  const ours = newestKnown(dumps, order);
  const others = credible.filter((dump) => !isKnown(dump) && (ours === null || dump.time > ours.time));
  const snapshot = others.at(-1) ?? ours ?? credible.at(-1) ?? latest;
  return { snapshot, note: snapshot === latest ? null : noteOf(latest, snapshot, isKnown(snapshot)) };
}

function newestKnown(dumps: Snapshot[], order: string[]): Snapshot | null {
  for (const id of order) {
    const found = dumps.find((dump) => dump.id === id || dump.originalId === id);
    if (found !== undefined) return found;
  }
  return null;
}

function noteOf(latest: Snapshot, chosen: Snapshot, isKnown: boolean): string {
  const why = isKnown ? `the ledger knows ${chosen.shortId} as the newest` : 'that time has not come yet';
  return `${latest.shortId} bears the later time ${utc(new Date(latest.time))}, by a clock that was wrong: ${why}`;
}
