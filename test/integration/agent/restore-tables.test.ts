import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { mariadb, postgres, type TestEngine } from '../../helpers/engines.ts';
import type { TestServer } from '../../helpers/server.ts';

describe.each([mariadb, postgres])('restore --tables, $name', (engine: TestEngine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  const numberOf = async (table: string, database: string) =>
    Number((await server.sql(`SELECT count(*) AS n FROM ${table}`, database))[0]?.['n']);

  async function agentWithBackup(more = '') {
    const shop = await engine.createShop(server, 300);
    const { database } = shop;
    const link =
      'CREATE TABLE parts (id INT PRIMARY KEY, order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id))';
    await server.sql(
      `${link}; INSERT INTO parts VALUES (1, 1); CREATE INDEX by_order ON parts (order_id)`,
      database,
    );
    if (more !== '') await server.sql(more, database);
    const agent = await testAgent(
      engine === postgres
        ? { DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/${database}` }
        : { ...shop.environment, MYSQL_USER: 'boss', MYSQL_PASSWORD: 'bosspw' },
    );
    expect((await agent.run(['backup'])).code).toBe(0);
    return { ...agent, database };
  }

  test('a name that is not in the dump → exit 2 with the near ones, and nothing is touched', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql('DELETE FROM parts; DELETE FROM customers WHERE id = 1', database);
    const { code, stderr } = await agent.run(['restore', database, '--tables', 'parts,custommers', '--yes']);
    expect(stderr).toMatch(
      /there is no table custommers in [0-9a-f]{8}; nothing was changed[\s\S]*nearest.*customers/,
    );
    expect(code).toBe(2);
    expect(await numberOf('parts', database)).toBe(0);
  });

  test('over the database → these come back with their keys and indexes, and the others stay as they are', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql('DELETE FROM parts; DELETE FROM customers; DELETE FROM orders WHERE id > 100', database);
    const { code, stderr } = await agent.run(['restore', database, '--tables', 'parts,customers', '--yes']);
    expect(stderr).toMatch(
      /restored .*parts.* of [0-9a-f]{8} of .*: 2 tables, 3 rows; everything else is as it was.*restore point/,
    );
    expect(code).toBe(0);
    expect(await numberOf('parts', database)).toBe(1);
    expect(await numberOf('customers', database)).toBe(2);
    expect(await numberOf('orders', database)).toBe(100);
    await expect(server.sql('INSERT INTO parts VALUES (2, 299)', database)).rejects.toThrow(/foreign key/i);
    await expect(server.sql('INSERT INTO parts VALUES (1, 2)', database)).rejects.toThrow(/duplicate/i);
  });

  test.runIf(engine === postgres)(
    'a partitioned table → its partitions come back, are counted and are compared with the proof',
    async () => {
      const { database, ...agent } = await agentWithBackup(`
        CREATE TABLE sales (id int, year int) PARTITION BY RANGE (year);
        CREATE TABLE sales_old PARTITION OF sales FOR VALUES FROM (0) TO (2026) PARTITION BY RANGE (year);
        CREATE TABLE sales_2025 PARTITION OF sales_old FOR VALUES FROM (2025) TO (2026);
        CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM (2026) TO (2027);
        INSERT INTO sales VALUES (1, 2025), (2, 2026), (3, 2026)`);
      await server.sql('DELETE FROM sales', database);
      const { code, stderr } = await agent.run(['restore', database, '--tables', 'sales', '--yes']);
      expect(stderr).toMatch(
        /restored public\.sales of [0-9a-f]{8} of .*: 2 tables, 3 rows; .*2 tables, 3 rows and 3 objects equal to the source/,
      );
      expect(code).toBe(0);
      expect(await numberOf('sales', database)).toBe(3);
    },
  );

  test('into a new database → these alone', async () => {
    const { database, ...agent } = await agentWithBackup();
    const { code, stderr } = await agent.run([
      'restore',
      database,
      '--tables',
      'customers',
      '--to',
      `${database}_some`,
    ]);
    expect(stderr).toMatch(/1 table, 2 rows/);
    expect(code).toBe(0);
    expect(await numberOf('customers', `${database}_some`)).toBe(2);
    await expect(numberOf('orders', `${database}_some`)).rejects.toThrow(/exist/);
  });
});
