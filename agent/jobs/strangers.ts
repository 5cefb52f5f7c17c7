import { utc } from '../core/clock.ts';
import type { Ledger, Run } from '../ledger/ledger.ts';
import type { Snapshot } from '../repository/repository.ts';

type Reading = Pick<Ledger, 'recent'>;

/** Far more than are ever kept. */
const MOST_RUNS = 1000;

/**
 * Dumps that somebody else stores under our host's and source's name: another server that was left at the same names, mostly. Since
 * the last backup but one there are some that no run of ours stored, and none of ours that ended badly can have left behind.
 * `snapshots` may hold those of anything. Oldest first.
 */
export function strangersIn(ledger: Reading, source: string, snapshots: Snapshot[]): Snapshot[] {
  const runs = ledger.recent({ job: 'backup', source, limit: MOST_RUNS });
  const good = runs.filter(({ result }) => result === 'succeeded');
  // What is older may be of an agent that was here before, and whose ledger is gone.
  const since = good[1] ?? good[0];
  if (since === undefined) return [];
  const ours = new Set(good.flatMap(({ facts }) => [facts.snapshotId, ...(facts.snapshotIds ?? [])]));
  const doubtful = runs.filter(({ result }) => result !== 'succeeded' && result !== 'skipped');
  const strangers = snapshots.filter(
    ({ id, originalId, time, tags }) =>
      tags?.source === source &&
      tags.kind === 'dump' &&
      !ours.has(id) &&
      !ours.has(originalId) &&
      Date.parse(time) > Date.parse(since.startedAt) &&
      !doubtful.some((run) => isWithin(time, run)),
  );
  return strangers.toSorted((one, other) => one.time.localeCompare(other.time));
}

/** That there are some, as a sentence part; empty for none. */
export function strangerWords(source: string, strangers: Snapshot[], host: string): string[] {
  const newest = strangers.at(-1);
  if (newest === undefined) return [];
  const count = strangers.length === 1 ? '1 dump is' : `${strangers.length} dumps are`;
  return [
    `${count} in the repository under the names ${host} and ${source} that this agent did not store (the newest: ${newest.shortId} of ${newest.time.slice(0, 19)}Z): if another server is called so too, give each a HOLDFAST_HOST of its own`,
  ];
}

/** That one was taken which the ledger does not know, and how to take the newest that it knows, as a sentence part. */
export function unknownWords(taken: Snapshot, known: Snapshot): string {
  const [of, before] = [taken, known].map(({ time }) => utc(new Date(time)));
  return `${taken.shortId} of ${of} is none that this agent stored: another server may be called so too, or its ledger is an older copy; the newest that it did store is ${known.shortId} of ${before}, which \`--snapshot ${known.shortId}\` takes`;
}

/** A run stores its dump while it lasts, and its time is cut to the second. */
function isWithin(time: string, { startedAt, finishedAt }: Run): boolean {
  const at = Date.parse(time);
  return at >= Date.parse(startedAt) - 1000 && (finishedAt === null || at <= Date.parse(finishedAt) + 1000);
}
