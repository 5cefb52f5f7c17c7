import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { createPostgresShop } from '../../helpers/postgres-shop.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

type ShopAgent = TestAgent & { database: string; user: string };

/** A shop that the agent's own role owns, with a good backup. */
async function agentWithBackup(rows = 500): Promise<ShopAgent> {
  const shop = await createPostgresShop(server, rows);
  const { database, user } = shop;
  await server.sql(`ALTER DATABASE ${database} OWNER TO ${user}; GRANT pg_signal_backend TO ${user}`);
  await server.sql(
    `ALTER TABLE orders OWNER TO ${user}; ALTER TABLE customers OWNER TO ${user};
     ALTER TABLE visits OWNER TO ${user}; ALTER VIEW totals OWNER TO ${user};`,
    database,
  );
  const agent = await testAgent(shop.environment);
  const backup = await agent.run(['backup']);
  expect(backup.stderr).toMatch(/stored/);
  return { ...agent, database, user };
}

const orders = async (database: string) =>
  Number((await server.sql('SELECT count(*) AS n FROM orders', database))[0]?.['n']);

const databases = async () =>
  (await server.sql('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name));

const keptBeside = async (database: string) =>
  (await databases()).filter((name) => name.startsWith(`${database}_before_`));

describe('a restore of PostgreSQL over the database itself', () => {
  test('swaps a new one in: the rows are back, the old one stays under a dated name with what it held', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql('DELETE FROM orders WHERE id > 7; CREATE TABLE since (id int)', database);
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(
      /restored [0-9a-f]{8} of .* into shop\d+: 3 tables, 503 rows.*restore point [0-9a-f]{8}/,
    );
    expect(code).toBe(3);
    expect(await orders(database)).toBe(500);
    const [kept, ...more] = await keptBeside(database);
    expect(more).toEqual([]);
    expect(stderr).toContain(`the old one is ${kept} until`);
    expect(await orders(kept!)).toBe(7);
    expect((await databases()).filter((name) => name.startsWith('holdfast_scratch'))).toEqual([]);
  });
});
