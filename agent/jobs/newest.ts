import { utc } from '../core/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Snapshot } from '../repository/repository.ts';
import { unknownWords } from './strangers.ts';

/** What is known beside the times that snapshots bear, which are those of a clock that may have been wrong. */
export interface Known {
  ledger: Pick<Ledger, 'recent'>;
  now: () => Date;
}

export interface Newest {
  snapshot: Snapshot;
  /** Why it is not the one that bears the latest time, or that this agent did not store it, as a sentence part; null for neither. */
  note: string | null;
  /** Where the ledger does not know it: the newest one that the ledger knows. Null where it does, or knows none. */
  known: Snapshot | null;
}

/** Clocks differ by a little; what is further ahead has a wrong time. */
const AHEAD_MS = 5 * 60_000;

/** The snapshots whose time has not come yet: the clock was ahead when they were made, or is behind now. */
export function aheadOf<T extends { time: string }>(snapshots: T[], now: Date): T[] {
  return snapshots.filter(({ time }) => Date.parse(time) > now.getTime() + AHEAD_MS);
}

/**
 * The newest of a source's dumps, which are given oldest first: of those that the ledger knows, the one whose run began last, whatever
 * the clock said; of others, one that bears a later time, unless that has not come yet: the ledger may be an older copy. It may be of
 * another server, too, so that it is told. Null for none.
 */
export function newestOf(source: string, dumps: Snapshot[], { ledger, now }: Known): Newest | null {
  const latest = dumps.at(-1);
  if (latest === undefined) return null;
  const order = orderOf(ledger, source);
  const isKnown = (dump: Snapshot) => isIn(order, dump);
  const ahead = aheadOf(dumps, now());
  const credible = dumps.filter((dump) => !ahead.includes(dump));
  const ours = newestKnown(dumps, order);
  const others = credible.filter((dump) => !isKnown(dump) && (ours === null || dump.time > ours.time));
  const snapshot = others.at(-1) ?? ours ?? credible.at(-1) ?? latest;
  const known = isKnown(snapshot) ? null : ours;
  const notes = [
    ...(snapshot === latest ? [] : [noteOf(latest, snapshot, isKnown(snapshot))]),
    ...(known === null ? [] : [unknownWords(snapshot, known)]),
  ];
  return { snapshot, note: notes.length === 0 ? null : notes.join('; '), known };
}

/** The newest of those of a source's dumps, oldest first, that were there at a time; it may be a stranger as well. Null for none. */
export function newestThen(
  source: string,
  dumps: Snapshot[],
  at: Date,
  { ledger }: Pick<Known, 'ledger'>,
): Newest | null {
  const then = dumps.filter(({ time }) => Date.parse(time) <= at.getTime());
  const snapshot = then.at(-1);
  if (snapshot === undefined) return null;
  const order = orderOf(ledger, source);
  const known = isIn(order, snapshot) ? null : newestKnown(then, order);
  return { snapshot, note: known === null ? null : unknownWords(snapshot, known), known };
}

/** The dumps that the ledger knows, by their ids, the newest first. */
function orderOf(ledger: Known['ledger'], source: string): string[] {
  return ledger
    .recent({ job: 'backup', source, result: 'succeeded', limit: 1000 })
    .flatMap(({ facts }) => facts.snapshotId ?? []);
}

/** Whether it is the snapshot that was stored with this id, also where restic has copied it since. */
export function isCalled({ id, originalId }: Snapshot, stored: string | null): boolean {
  return id === stored || originalId === stored;
}

function isIn(order: string[], { id, originalId }: Snapshot): boolean {
  return order.includes(id) || order.includes(originalId);
}

function newestKnown(dumps: Snapshot[], order: string[]): Snapshot | null {
  for (const id of order) {
    const found = dumps.find((dump) => isCalled(dump, id));
    if (found !== undefined) return found;
  }
  return null;
}

function noteOf(latest: Snapshot, chosen: Snapshot, isKnown: boolean): string {
  const why = isKnown ? `the ledger knows ${chosen.shortId} as the newest` : 'that time has not come yet';
  return `${latest.shortId} bears the later time ${utc(new Date(latest.time))}, by a clock that was wrong: ${why}`;
}
