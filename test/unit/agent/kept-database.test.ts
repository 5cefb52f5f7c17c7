import { describe, expect, test } from 'vitest';
import {
  datedName,
  dropKept,
  keptDatabases,
  rememberKept,
} from '../../../agent/jobs/restore/kept-database.ts';
import { restorePointPath, restorePointTime } from '../../../agent/core/restore-point-path.ts';
import type { Notes } from '../../../agent/jobs/init.ts';
import type { Source } from '../../../agent/sources/source.ts';

const signal = new AbortController().signal;

function notesInMemory(): Notes {
  const kept = new Map<string, string>();
  return { remember: (key, value) => void kept.set(key, value), recall: (key) => kept.get(key) ?? null };
}

/** A server with these databases; what is dropped is gone from the list. */
function sourceWith(databases: string[]): Source {
  return {
    name: 'shop',
    database: 'shop',
    listDatabases: async (prefix: string) => databases.filter((name) => name.startsWith(prefix)),
    dropDatabase: async (name: string) => void databases.splice(databases.indexOf(name), 1),
  } as unknown as Source;
}

const NOTHING = { dropped: [], failures: [] };

describe('replaced databases', () => {
  const now = new Date('2026-11-08T15:00:00Z');
  const [old, young] = ['shop_before_20261101_150000', 'shop_before_20261107_150000'];

  test('a week has passed for one of them → that one alone is dropped', async () => {
    const [notes, databases] = [notesInMemory(), ['shop', old, young]];
    rememberKept(notes, 'shop', { name: old, at: '2026-11-01T15:00:00.000Z' });
    rememberKept(notes, 'shop', { name: young, at: '2026-11-07T15:00:00.000Z' });
    const choice = { now, all: false };
    expect(await dropKept(sourceWith(databases), notes, choice, signal)).toEqual({
      dropped: [old],
      failures: [],
    });
    expect(databases).toEqual(['shop', young]);
    expect(keptDatabases(notes, 'shop').map(({ name }) => name)).toEqual([young]);
  });

  test('a name of our form that no restore noted, and a noted one of another form → never dropped', async () => {
    const [notes, databases] = [notesInMemory(), ['shop', old, 'shop_before_christmas']];
    for (const name of ['shop_before_christmas', 'shop', 'blog_before_20261101_150000'])
      rememberKept(notes, 'shop', { name, at: '2026-01-01T00:00:00.000Z' });
    expect(await dropKept(sourceWith(databases), notes, { now, all: true }, signal)).toEqual(NOTHING);
    expect(databases).toEqual(['shop', old, 'shop_before_christmas']);
  });

  test('noted by a restore that was killed before its swap → nothing to drop, and no error', async () => {
    const notes = notesInMemory();
    rememberKept(notes, 'shop', { name: old, at: '2026-11-01T15:00:00.000Z' });
    expect(await dropKept(sourceWith(['shop']), notes, { now, all: true }, signal)).toEqual(NOTHING);
    expect(keptDatabases(notes, 'shop')).toEqual([]);
  });

  test('one of two cannot be dropped → it is named with the cause and stays noted, and the other is dropped', async () => {
    const [notes, databases] = [notesInMemory(), ['shop', old, young]];
    for (const name of [old, young]) rememberKept(notes, 'shop', { name, at: '2026-11-01T15:00:00.000Z' });
    const source = sourceWith(databases);
    const dropDatabase = async (name: string) => {
      if (name === old) throw new Error('somebody is in it');
      await source.dropDatabase(name, signal);
    };
    expect(await dropKept({ ...source, dropDatabase }, notes, { now, all: true }, signal)).toEqual({
      dropped: [young],
      failures: [`${old} is not dropped: somebody is in it`],
    });
    expect(keptDatabases(notes, 'shop').map(({ name }) => name)).toEqual([old]);
  });

  test.each(['shop', 'x'.repeat(63), 'ключ'.repeat(7)])(
    '%s → a dated name that no server cuts',
    (database) => {
      const name = datedName(database, now);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      expect(name).toMatch(/_before_20261108_150000$/);
      expect(name).not.toContain('\uFFFD');
    },
  );
});

test('a restore point’s path says when it was made; that of a dump does not', () => {
  const path = restorePointPath('/mysql/shop.sql', new Date('2026-11-01T15:00:07.123Z'));
  expect(path).toBe('/restore-points/20261101T150007Z/mysql/shop.sql');
  expect(restorePointTime(`${path}.gz`)).toEqual(new Date('2026-11-01T15:00:07Z'));
  expect(restorePointTime('/mysql/shop.sql.gz')).toBeNull();
});
