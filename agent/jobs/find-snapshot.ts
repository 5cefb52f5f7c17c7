import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import type { PartKind } from '../core/glossary.ts';
import type { Repository, Snapshot } from '../repository/repository.ts';
import { newestOf, newestThen, type Known, type Newest } from './newest.ts';

export interface Wanted {
  /** `latest`, or the beginning of an id. */
  id: string;
  /** The newest not later than this. */
  at: Date | null;
}

/**
 * The dump to restore: the newest, the one with this id, or the newest not later than a time, which is that of the clock then. A restore
 * point is found by its id alone, and so is what is of these other kinds, none of which is a dump of the whole source.
 * Throws `snapshot_absent`.
 */
export async function findSnapshot(
  repository: Repository,
  source: string,
  wanted: Wanted,
  known: Known,
  signal: AbortSignal,
  others: readonly PartKind[] = [],
): Promise<Newest> {
  const all = await repository.list({ source, kind: 'dump' }, signal);
  const byId =
    wanted.id === 'latest'
      ? []
      : (await repository.list({ source }, signal)).filter(
          ({ tags }) => tags !== null && ['restore-point', ...others].includes(tags.kind),
        );
  const named = wanted.id === 'latest' ? all : [...all, ...byId].filter(({ id }) => id.startsWith(wanted.id));
  if (wanted.id !== 'latest' && named.length > 1) {
    throw new HoldfastError('usage', `more than one snapshot of ${source} begins with ${wanted.id}`, {
      hint: 'Give more of its id.',
    });
  }
  const { at } = wanted;
  if (wanted.id === 'latest') {
    const newest = at === null ? newestOf(source, all, known) : newestThen(source, all, at, known);
    if (newest !== null) return newest;
  }
  const found = named.findLast((snapshot) => at === null || Date.parse(snapshot.time) <= at.getTime());
  if (found !== undefined) return { snapshot: found, note: null, known: null };
  const hosts = all.length === 0 ? await repository.hosts({ source }, signal) : [];
  throw new HoldfastError('snapshot_absent', absence(source, wanted, all), {
    hint: otherHosts(hosts, source) ?? `See what there is with \`holdfast snapshots ${source}\`.`,
  });
}

/** On a new server the name of the host is mostly not what it was. Null where there is nothing of anybody's. */
export function otherHosts(hosts: string[], source: string | null): string | null {
  const [first] = hosts;
  if (first === undefined) return null;
  const what = source === null ? 'snapshots' : `snapshots of ${source}`;
  return hosts.length === 1
    ? `There are ${what} of the host ${first}: set HOLDFAST_HOST=${first}.`
    : `There are ${what} of the hosts ${hosts.join(', ')}: set HOLDFAST_HOST to the one that is meant.`;
}

function absence(source: string, wanted: Wanted, all: Snapshot[]): string {
  const oldest = all[0];
  if (oldest === undefined) return `the repository holds no snapshot of ${source} by this host`;
  if (wanted.id !== 'latest') return `the repository holds no snapshot ${wanted.id} of ${source}`;
  return `the oldest snapshot of ${source} is of ${utc(new Date(oldest.time))}${wanted.at === null ? '' : `, later than ${utc(wanted.at)}`}`;
}
