import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { mariadb } from '../../helpers/engines.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** `parts` belongs to `orders`, and `crates` to nothing; `customers` has a trigger. The agent's user may swap them. */
async function agentWithBackup(more = '') {
  const shop = await mariadb.createShop(server, 300);
  const { database, user } = shop;
  await mariadb.allowRestore(server, shop, 'by swap');
  await server.sql(
    `CREATE TABLE parts (id INT PRIMARY KEY, order_id INT, CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE);
     INSERT INTO parts VALUES (1, 1), (2, 2); CREATE TABLE crates (id INT PRIMARY KEY); INSERT INTO crates VALUES (1); ${more}`,
    database,
  );
  const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off' });
  expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
  const restore = (tables: string, ...how: string[]) =>
    agent.run(['restore', database, '--tables', tables, ...how]);
  return { agent, restore, database, user };
}

const numberOf = async (table: string, database: string) =>
  Number((await server.sql(`SELECT count(*) AS n FROM ${table}`, database))[0]?.['n']);

const databases = () => mariadb.databases(server);
const keptBeside = async (database: string) =>
  (await databases()).filter((name) => name.startsWith(`${database}_before_`));

/** Names of the foreign keys of a table, and the databases of what they point to. */
const keysOf = async (table: string, database: string) =>
  (
    await server.sql(
      `SELECT constraint_name AS name, referenced_table_schema AS parent FROM information_schema.key_column_usage
        WHERE table_schema = '${database}' AND table_name = '${table}' AND referenced_table_name IS NOT NULL`,
    )
  ).map(({ name, parent }) => `${String(name)} to ${String(parent)}`);

describe('restore --tables of MariaDB', () => {
  test('over the database → swapped in with their triggers and keys; the old ones hold on to nothing and stay in a dated database', async () => {
    const { agent, restore, database } = await agentWithBackup();
    const programs = await mariadb.definitions(server, database);
    await server.sql('DELETE FROM parts WHERE id = 1; DELETE FROM customers; DELETE FROM crates', database);
    const plan = await restore('parts,customers', '--dry-run');
    expect(plan.stderr).toMatch(
      /swapped in at one moment; the old ones are kept in shop\d+_before_\d+_\d+ for a week, and everything else stays as it is/,
    );
    const { code, stderr } = await restore('parts,customers', '--yes');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/2 tables, 4 rows; everything else is as it was;.* equal to the source;/);
    const [kept, ...more] = await keptBeside(database);
    expect(more).toEqual([]);
    expect(stderr).toContain(`the old ones are in ${kept} until`);
    expect(await numberOf('parts', database)).toBe(2);
    expect(await numberOf('crates', database)).toBe(0);
    expect(await mariadb.definitions(server, database)).toEqual(programs);
    await server.sql("INSERT INTO customers VALUES (3, 'Eve')", database);
    expect(await server.sql('SELECT name FROM customers WHERE id = 3', database)).toEqual([{ name: 'Eve!' }]);
    expect(await keysOf('parts', database)).toEqual([`of_order to ${database}`]);
    await expect(server.sql('INSERT INTO parts VALUES (3, 999)', database)).rejects.toThrow(/foreign key/i);
    await server.sql('DELETE FROM orders WHERE id = 2', database);
    expect(await numberOf('parts', database)).toBe(1);
    expect(await numberOf('parts', kept!)).toBe(1);
    expect(await keysOf('parts', kept!)).toEqual([]);
    expect(await numberOf('customers', kept!)).toBe(0);
    expect((await databases()).filter((name) => name.startsWith('holdfast_scratch'))).toEqual([]);
    expect((await agent.run(['restore', database, '--drop-old'])).stdout).toBe(`dropped ${kept}\n`);
    expect((await agent.run(['backup'])).code).toBe(0);
  });

  test('another table refers to it → refused before anything, in a dry run too, with the ways out; together with it swapped', async () => {
    const { agent, restore, database } = await agentWithBackup();
    await server.sql('DELETE FROM orders WHERE id > 100', database);
    const stored = agent.snapshots();
    for (const how of ['--dry-run', '--yes']) {
      const { code, stderr } = await restore('orders', how);
      expect(stderr).toMatch(
        /orders of shop\d+ could only be dropped and loaded one after another, .* a foreign key goes from parts to orders, .*; nothing was changed\nhint: Restore parts together with it \(--tables\).* --to NAME.*add --in-place: .*half loaded/,
      );
      expect(code).toBe(2);
    }
    expect(agent.snapshots()).toEqual(stored);
    expect(await numberOf('orders', database)).toBe(100);
    expect((await restore('orders,parts', '--yes')).code).toBe(0);
    expect(await numberOf('orders', database)).toBe(300);
    expect(await keysOf('parts', database)).toEqual([`of_order to ${database}`]);
    expect(await keysOf('parts', (await keptBeside(database))[0]!)).toHaveLength(1);
  });

  test('the same with --in-place → said before it begins, dropped and loaded, and the key holds again', async () => {
    const { restore, database } = await agentWithBackup();
    await server.sql('DELETE FROM orders WHERE id > 100', database);
    const plan = await restore('orders', '--in-place', '--dry-run');
    expect(plan.stderr).toMatch(
      /dropped in shop\d+ and loaded one after another, missing or half loaded meanwhile \(a foreign key/,
    );
    const { code, stderr } = await restore('orders', '--in-place', '--yes');
    expect(stderr).toMatch(
      /orders of shop\d+ will be dropped and loaded one after another, [\s\S]*dropped and loaded one after another, not swapped: a foreign key .*restore point/,
    );
    expect(code, stderr).toBe(0);
    expect(await numberOf('orders', database)).toBe(300);
    expect(await keptBeside(database)).toEqual([]);
    await expect(server.sql('INSERT INTO parts VALUES (3, 999)', database)).rejects.toThrow(/foreign key/i);
  });

  test('it was dropped, and another table refers to it → back, and the key holds again', async () => {
    const { restore, database } = await agentWithBackup();
    await server.sql('SET foreign_key_checks = 0; DROP TABLE orders', database);
    const { code, stderr } = await restore('orders', '--yes');
    expect(stderr).toMatch(/1 table, 300 rows/);
    expect(code).toBe(3);
    expect(stderr).toMatch(/warning: .*the restore point lacks what is damaged: `totals`/);
    expect(stderr).not.toMatch(/_before_/);
    expect(await keptBeside(database)).toEqual([]);
    await server.sql('DELETE FROM orders WHERE id = 2', database);
    expect(await numberOf('parts', database)).toBe(1);
    await expect(server.sql('INSERT INTO parts VALUES (3, 999)', database)).rejects.toThrow(/foreign key/i);
  });

  test('a table that stays has a trigger of the same name by now → told, and nothing is touched', async () => {
    const { restore, database } = await agentWithBackup();
    await server.sql(
      'DROP TRIGGER marked; DELETE FROM customers; CREATE TRIGGER marked BEFORE INSERT ON crates FOR EACH ROW SET NEW.id = NEW.id + 1',
      database,
    );
    const { code, stderr } = await restore('customers', '--yes');
    expect(stderr).toMatch(
      /trigger marked of the restored customers cannot be made: crates, which stays, has one of that name; shop\d+ was not touched\nhint: Restore crates together/,
    );
    expect(code).toBe(1);
    expect(await numberOf('customers', database)).toBe(0);
    expect((await databases()).filter((name) => name.startsWith('holdfast_scratch'))).toEqual([]);
  });

  test.each([
    [
      'a view bears its name by now',
      'DROP TABLE crates; CREATE VIEW crates AS SELECT 1 AS id',
      /crates is a view there by now, and no table; nothing was changed\nhint: Drop it/,
    ],
    [
      'a table of another database refers to it',
      'CREATE DATABASE IF NOT EXISTS other; CREATE TABLE other.child (id INT, FOREIGN KEY (id) REFERENCES SHOP.crates (id))',
      /a foreign key goes from other\.child to crates, .*; nothing was changed\nhint: Drop it/,
    ],
  ])('%s → refused before anything, with the reason', async (_, spoil, told) => {
    const { agent, restore, database } = await agentWithBackup();
    await server.sql(spoil.replace('SHOP', database), database);
    const stored = agent.snapshots();
    const { code, stderr } = await restore('crates', '--yes');
    await server.sql('DROP DATABASE IF EXISTS other');
    expect(stderr).toMatch(told);
    expect(code).toBe(2);
    expect(agent.snapshots()).toEqual(stored);
  });

  test('a key to it is made between the plan and the swap → refused before anything is locked, and undone', async () => {
    const shop = await mariadb.createShop(server, 3);
    const { database } = shop;
    const [fresh, keep] = [`holdfast_scratch_${database}_restore`, `${database}_before_20261101_150000`];
    await server.sql('CREATE TABLE crates (id INT PRIMARY KEY); INSERT INTO crates VALUES (1)', database);
    await server.sql(`CREATE DATABASE ${fresh}; CREATE TABLE ${fresh}.crates (id INT PRIMARY KEY)`);
    const source = mariadb.source(server, shop);
    const signal = AbortSignal.timeout(60_000);
    const loaded = { stilledEvents: [] } as unknown as Parameters<typeof source.planSwap>[0]['loaded'];
    const plan = await source.planSwap({ fresh, keep, loaded, ofSome: true }, signal);
    await server.sql('CREATE TABLE boxes (crate INT, FOREIGN KEY (crate) REFERENCES crates (id))', database);
    await expect(source.swapIn(plan, signal)).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(
        /^crates of shop\d+ cannot be swapped alone any more: a foreign key goes from boxes to crates, .* was not touched$/,
      ) as string,
    });
    expect(await source.settleSwap(plan, signal)).toBe('undone');
    expect(await numberOf('crates', database)).toBe(1);
    expect(await keptBeside(database)).toEqual([]);
    await source.dropDatabase(fresh, signal);
  });
});
