import { expect, test } from 'vitest';
import { dropDatabase } from '../../../agent/sources/postgres/databases.ts';
import type { PostgresSession } from '../../../agent/sources/postgres/session.ts';

/** A server on which some statements are refused; nothing else can make a worker of autovacuum be there at the right moment. */
function server(refuse: (sql: string) => string | null) {
  const asked: string[] = [];
  const query = (sql: string) => {
    asked.push(sql);
    const code = refuse(sql);
    return code === null ? Promise.resolve([]) : Promise.reject(Object.assign(new Error(code), { code }));
  };
  return { asked, session: { user: 'keeper', query } as unknown as PostgresSession };
}

test('a worker of autovacuum is in the database, over which no FORCE has a right → our own sessions are ended, and a plain DROP ends the worker', async () => {
  const { asked, session } = server((sql) => (sql.includes('FORCE') ? '42501' : null));
  await dropDatabase(session, 'scratch');
  expect(asked).toEqual([
    'DROP DATABASE IF EXISTS "scratch" WITH (FORCE)',
    expect.stringContaining('pg_terminate_backend'),
    'DROP DATABASE IF EXISTS "scratch"',
  ]);
});

test('it belongs to another role → the statement that mends it', async () => {
  const { session } = server((sql) => (sql.startsWith('DROP') ? '42501' : null));
  await expect(dropDatabase(session, 'scratch')).rejects.toMatchObject({
    message: expect.stringContaining('cannot drop the database scratch') as string,
    hint: expect.stringContaining('ALTER DATABASE "scratch" OWNER TO "keeper"') as string,
  });
});
