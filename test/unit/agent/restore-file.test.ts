import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { restoreFileJob } from '../../../agent/jobs/restore/restore-file.ts';
import type { Source } from '../../../agent/sources/source.ts';

/** Loads a script into a server that has these databases; tells what it has then. */
async function load(there: string[], target: { name: string; isGiven: boolean }) {
  const databases = [...there];
  const source = {
    name: 'shop',
    createDatabase: (name: string) => {
      if (databases.includes(name)) {
        return Promise.reject(new HoldfastError('target_not_empty', `there is a database ${name} already`));
      }
      databases.push(name);
      return Promise.resolve([]);
    },
    runScript: () => Promise.resolve(),
    inspect: () => Promise.resolve({ tables: [] }),
  } as unknown as Source;
  const script = async function* () {
    await Promise.resolve();
    yield Buffer.from('SELECT 1;');
  };
  const job = restoreFileJob(source, {
    path: 'fix.sql',
    preludePath: null,
    read: script,
    readPrelude: script,
    target,
    isPostgres: true,
    check: null,
    expects: 'script',
    owners: 'where-allowed',
    timeoutMs: 1000,
  });
  const context = { signal: new AbortController().signal, onProgress: () => undefined };
  const { reason } = await job.run(context);
  return { databases, reason };
}

describe('a file restored into a new database', () => {
  test('another restore of the same second has the name → the next number', async () => {
    const { databases, reason } = await load(['shop_restored_1', 'shop_restored_1_2'], {
      name: 'shop_restored_1',
      isGiven: false,
    });
    expect(databases.at(-1)).toBe('shop_restored_1_3');
    expect(reason).toMatch(/^restored fix\.sql, .* into shop_restored_1_3: /);
  });

  test('somebody gave the name, and it is taken → refused', async () => {
    await expect(load(['mine'], { name: 'mine', isGiven: true })).rejects.toThrow(
      'there is a database mine already',
    );
  });
});
