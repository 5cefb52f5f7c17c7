import { expect, test } from 'vitest';
import { replaceAtOnce } from '../../../agent/sources/postgres/at-once/replace.ts';
import type { PostgresSession } from '../../../agent/sources/postgres/session.ts';
import { postgresConfig } from '../../helpers/sources.ts';

/** A server with one schema, which cannot be dropped. */
function refusing(code: string, message: string): { session: PostgresSession; said: string[] } {
  const said: string[] = [];
  const query = async (sql: string) => {
    said.push(sql);
    if (sql.includes('max_locks')) return [{ objects: 1, large: 0, held: 0, each: 64, times: 9 }];
    if (sql.includes('nspname AS name')) return [{ name: 'app' }];
    if (sql.startsWith('DROP SCHEMA')) throw Object.assign(new Error(message), { code });
    return [];
  };
  return { session: { user: 'boss', query } as unknown as PostgresSession, said };
}

test.each([
  [
    'a table is held too long',
    '55P03',
    'canceling statement due to lock timeout',
    /for 30s without a pause: stop what/,
  ],
  ['a deadlock', '40P01', 'deadlock detected', /stop what uses the database/],
  ['no room for locks', '53200', 'out of shared memory', /^Set max_locks_per_transaction higher/],
])(
  'what is there cannot be dropped for %s → it is undone, and said with what to do',
  async (_, code, message, hint) => {
    const { session, said } = refusing(code, message);
    const load = { entries: [], run: () => Promise.reject(new Error()), cancel: () => Promise.resolve() };
    const order = { owners: 'leave' as const, check: () => Promise.resolve() };
    const what = { load, order, onCommit: () => undefined };
    await expect(replaceAtOnce(session, postgresConfig({}), { runtimeDir: '/' }, what)).rejects.toMatchObject(
      {
        message: `cannot empty the database shop: ${message}; nothing was changed`,
        hint: expect.stringMatching(hint) as string,
      },
    );
    expect(said.at(-1)).toBe('ROLLBACK');
  },
);
