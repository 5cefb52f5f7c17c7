import { expect, test } from 'vitest';
import {
  createHeadStart,
  rememberDumpBytes,
  rememberFirstPart,
} from '../../../agent/jobs/backup/head-start.ts';
import type { PreparedSave, Repository, SaveTarget } from '../../../agent/repository/repository.ts';

const globals: SaveTarget = {
  path: '/postgres/shop.globals.sql',
  tags: { source: 'shop', engine: 'postgres', kind: 'globals' },
  compression: 'gzip',
};
const dump: SaveTarget = { ...globals, path: '/postgres/shop.dump', tags: { ...globals.tags, kind: 'dump' } };

/** What is prepared, cancelled and taken, in order. */
function world(remembered: SaveTarget | null) {
  const seen: string[] = [];
  const repository = {
    prepare: (target: SaveTarget): PreparedSave => {
      seen.push(`prepared ${target.path} ${target.tags.engine} ${target.compression}`);
      return {
        target,
        startedAt: new Date(),
        save: () => Promise.reject(new Error('not here')),
        cancel: async () => void seen.push(`cancelled ${target.path}`),
      };
    },
  } as unknown as Repository;
  const kept = new Map<string, string>();
  const notes = {
    recall: (key: string) => kept.get(key) ?? null,
    remember: (key: string, value: string) => void kept.set(key, value),
  };
  if (remembered !== null) rememberFirstPart(notes, 'shop', remembered);
  return { seen, repository, notes };
}

test('the first backup of a source → nothing is prepared before it is known what comes', async () => {
  const { seen, repository, notes } = world(null);
  const ahead = createHeadStart(repository, notes, 'shop', 'gzip');
  expect(seen).toEqual([]);
  expect((await ahead.take(dump)).target).toEqual(dump);
  await ahead.end();
  expect(seen).toEqual(['prepared /postgres/shop.dump postgres gzip']);
});

test('a later backup → what the last one began with is prepared at once, and the next part while one is stored', async () => {
  const { seen, repository, notes } = world(globals);
  const ahead = createHeadStart(repository, notes, 'shop', 'gzip');
  expect(seen).toEqual(['prepared /postgres/shop.globals.sql postgres gzip']);
  await ahead.take(globals);
  ahead.prepare(dump);
  await ahead.take(dump);
  await ahead.end();
  expect(seen).toEqual([
    'prepared /postgres/shop.globals.sql postgres gzip',
    'prepared /postgres/shop.dump postgres gzip',
  ]);
});

test('the server is another engine by now → what was prepared is ended, and the right one is begun', async () => {
  const { seen, repository, notes } = world({ ...dump, tags: { ...dump.tags, engine: 'mariadb' } });
  const ahead = createHeadStart(repository, notes, 'shop', 'gzip');
  await ahead.take({ ...dump, tags: { ...dump.tags, engine: 'mysql' } });
  expect(seen).toEqual([
    'prepared /postgres/shop.dump mariadb gzip',
    'cancelled /postgres/shop.dump',
    'prepared /postgres/shop.dump mysql gzip',
  ]);
});

test('another compression is configured → the remembered part with the new one', () => {
  const { seen, repository, notes } = world(dump);
  createHeadStart(repository, notes, 'shop', 'zstd');
  expect(seen).toEqual(['prepared /postgres/shop.dump postgres zstd']);
});

test('a backup that ends before it stores → what was prepared is ended, once', async () => {
  const { seen, repository, notes } = world(dump);
  const ahead = createHeadStart(repository, notes, 'shop', 'gzip');
  await ahead.end();
  await ahead.end();
  expect(seen.slice(1)).toEqual(['cancelled /postgres/shop.dump']);
});

test('the size of the last dump is known → the end is near when all but 128 MiB have passed, and never in a first backup', () => {
  const { repository, notes } = world(dump);
  const first = createHeadStart(repository, notes, 'shop', 'gzip');
  expect(first.isNearEnd(Number.MAX_SAFE_INTEGER)).toBe(false);
  rememberDumpBytes(notes, 'shop', 2 ** 30);
  const later = createHeadStart(repository, notes, 'shop', 'gzip');
  expect(later.isNearEnd(2 ** 30 - 2 ** 27 - 1)).toBe(false);
  expect(later.isNearEnd(2 ** 30 - 2 ** 27)).toBe(true);
});

test('ended by two at once → both wait until what was prepared is gone, and nothing is prepared any more', async () => {
  const { seen, repository, notes } = world(dump);
  const gone = Promise.withResolvers<undefined>();
  const slow = {
    prepare: (target: SaveTarget) => ({ ...repository.prepare(target), cancel: () => gone.promise }),
  };
  const ahead = createHeadStart(slow, notes, 'shop', 'gzip');
  let ended = 0;
  const both = [ahead.end(), ahead.end()].map((end) => end.then(() => (ended += 1)));
  await Promise.resolve();
  expect(ended).toBe(0);
  gone.resolve(undefined);
  await Promise.all(both);
  ahead.prepare(globals);
  expect(seen).toHaveLength(1);
});
