import { describe, expect, test } from 'vitest';
import { listedOnce } from '../../../agent/jobs/one-listing.ts';
import type {
  Repository,
  SavedSnapshot,
  Snapshot,
  SnapshotTags,
} from '../../../agent/repository/repository.ts';

const signal = new AbortController().signal;
const shop: SnapshotTags = { source: 'shop', engine: 'postgres', kind: 'dump' };

/** Counts how often it was asked for its list; what is saved is listed from then on. */
function counting() {
  const snapshots = [
    snapshotWith('a', shop),
    snapshotWith('b', { ...shop, kind: 'proof' }),
    snapshotWith('c', null),
  ];
  let lists = 0;
  let away = false;
  const repository: Partial<Repository> = {
    list: async () => {
      lists += 1;
      if (away) throw new Error('away');
      return [...snapshots];
    },
    save: async () => {
      snapshots.push(snapshotWith('d', { ...shop, tenant: '7', kind: 'tenant' }));
      return {} as SavedSnapshot;
    },
    remove: async (ids) => {
      for (const id of ids)
        snapshots.splice(
          snapshots.findIndex((one) => one.id === id),
          1,
        );
    },
  };
  return {
    once: listedOnce(repository as Repository),
    lists: () => lists,
    goAway: (is: boolean) => (away = is),
  };
}

function snapshotWith(id: string, tags: SnapshotTags | null): Snapshot {
  return {
    id,
    shortId: id,
    originalId: id,
    time: '2026-11-01T00:00:00.000Z',
    host: 'h',
    path: '/x',
    tags,
    bytes: 1,
  };
}

const ids = (found: Snapshot[]) => found.map(({ id }) => id);

describe('a repository that is listed once', () => {
  test('asked by several filters → listed once, each answer its own', async () => {
    const { once, lists } = counting();
    expect(ids(await once.list({}, signal))).toEqual(['a', 'b', 'c']);
    expect(ids(await once.list({ source: 'shop' }, signal))).toEqual(['a', 'b']);
    expect(ids(await once.list({ source: 'shop', kind: 'proof' }, signal))).toEqual(['b']);
    expect(ids(await once.list({ source: 'other' }, signal))).toEqual([]);
    expect(ids(await once.list({ tenants: ['7'] }, signal))).toEqual([]);
    expect(lists()).toBe(1);
  });

  test('something was stored or removed through it → listed again', async () => {
    const { once, lists } = counting();
    await once.list({}, signal);
    await once.save({} as never, signal);
    expect(ids(await once.list({ tenants: ['7'] }, signal))).toEqual(['d']);
    await once.remove(['a'], signal);
    expect(ids(await once.list({}, signal))).toEqual(['b', 'c', 'd']);
    expect(lists()).toBe(3);
  });

  test('the list failed → told, and asked again', async () => {
    const { once, goAway } = counting();
    goAway(true);
    await expect(once.list({}, signal)).rejects.toThrow('away');
    goAway(false);
    expect(ids(await once.list({}, signal))).toEqual(['a', 'b', 'c']);
  });
});
