import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

test('a database that lost most of its rows → the backup is stored and does not count; a person accepts it, and it does', async () => {
  const { database, environment } = await createShop(server, 2_000);
  const agent = await testAgent(environment);
  expect((await agent.run(['backup'])).code).toBe(0);
  const lastOk = agent.lastOk();
  const refused = await agent.run(['accept', database, '--reason', 'because']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/is not suspect/) as unknown });

  await server.sql('SET FOREIGN_KEY_CHECKS = 0; DELETE FROM orders WHERE id > 100', database);
  const small = await agent.run(['backup']);
  expect(small.stderr).toMatch(/warning: backup of \S+: suspect, .* less than half of the usual/);
  expect(small.code).toBe(3);
  expect(await agent.dumps()).toHaveLength(2);
  expect(agent.lastOk()).toBe(lastOk);
  expect((await agent.run(['status'])).stdout).toMatch(new RegExp(`${database} +SUSPECT`));

  const restored = await agent.run(['restore', database, '--to', `${database}_then`, '--dry-run']);
  expect(restored.stderr).toMatch(
    /warning: .*is suspect, and nobody has accepted it: .*less than half of the usual/,
  );
  expect(restored.code).toBe(3);
  const accepted = await agent.run(['accept', database, '--reason', 'archived', '--by', 'ada']);
  expect(accepted).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/ada accepted .*: archived/) as unknown,
  });
  expect(agent.lastOk()).not.toBe(lastOk);
  expect((await agent.run(['status'])).stdout).toMatch(new RegExp(`${database} +fresh`));
  expect((await agent.run(['backup'])).code).toBe(0);
});

test('a table is gone → the backup does not count, unless the guard looks at sizes alone', async () => {
  const { database, environment } = await createShop(server, 100);
  const agent = await testAgent(environment);
  await server.sql('CREATE TABLE extra (id int)', database);
  expect((await agent.run(['backup'])).code).toBe(0);
  await server.sql('DROP TABLE extra', database);
  expect((await agent.run(['backup'], { BACKUP_GUARD: 'size' })).code).toBe(0);
  await server.sql('CREATE TABLE extra (id int)', database);
  expect((await agent.run(['backup'])).code).toBe(0);
  await server.sql('DROP TABLE extra', database);
  const fewer = await agent.run(['backup']);
  expect(fewer.stderr).toMatch(/1 fewer than the last good backup/);
  expect(fewer.code).toBe(3);
});

test('a table is gone and another has come → the backup does not count, and the one that is gone is named', async () => {
  const { database, environment } = await createShop(server, 100);
  const agent = await testAgent(environment);
  await server.sql('CREATE TABLE extra (id int)', database);
  expect((await agent.run(['backup'])).code).toBe(0);
  await server.sql('RENAME TABLE extra TO other', database);
  const swapped = await agent.run(['backup']);
  expect(swapped.stderr).toMatch(/suspect, .*of the tables of the last good backup extra is gone/);
  expect(swapped.code).toBe(3);
  expect((await agent.run(['accept', database, '--reason', 'renamed'])).code).toBe(0);
  expect((await agent.run(['backup'])).code).toBe(0);
});
