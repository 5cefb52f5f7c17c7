import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createClinic } from '../../helpers/tenant-clinic.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres(['max_wal_size=4GB']);
});
afterAll(() => server.stop());

const QUICK = { BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' };

/** Without what a restore has replaced. */
const current = (sums: Record<string, string>) =>
  Object.fromEntries(Object.entries(sums).filter(([schema]) => !/_old_\d{8}_\d{6}$/.test(schema)));

test('a tenant with a table of a gigabyte beside small ones → backed up with them, and put back row by row while they stay', async () => {
  const { database, environment } = await createClinic(server);
  await server.sql(
    `CREATE SCHEMA tenant_big; CREATE TABLE tenant_big.scans (id int PRIMARY KEY, note text);
     INSERT INTO tenant_big.scans SELECT n, repeat(md5(n::text), 32) FROM generate_series(1, 1000000) n`,
    database,
  );
  const [size] = await server.sql(`SELECT pg_table_size('tenant_big.scans') AS bytes`, database);
  expect(Number(size?.['bytes'])).toBeGreaterThan(2 ** 30);
  const agent = await testAgent({ ...QUICK, ...environment });
  const before = await checksumsOf(server, database);
  const backup = await agent.run(['backup', '--tenants']);
  expect(backup.stderr).toMatch(/stored 5 tenants/);
  expect(backup.code).toBe(0);

  await server.sql(
    `DELETE FROM tenant_big.scans WHERE id % 3 = 0; UPDATE tenant_big.scans SET note = 'x' WHERE id = 1`,
    database,
  );
  // The damaged one is kept, and is no smaller than the gigabyte: a restore point of it would only take time here.
  const restore = await agent.run(['restore', database, '--tenant', 'big', '--yes', '--no-restore-point']);
  expect(restore.stderr).toMatch(
    /1 table, 1000000 rows; 1 table, 1000000 rows and \d+ objects equal to the source/,
  );
  expect(restore.code).toBe(0);
  expect(current(await checksumsOf(server, database))).toEqual(before);
  await server.sql(`DROP DATABASE ${database} WITH (FORCE)`);
});

test('a thousand small tenants → all in one snapshot, and one of them put back', async () => {
  await server.sql('CREATE DATABASE many');
  const some = (from: number, to: number) =>
    server.sql(
      `DO $$ BEGIN FOR i IN ${from}..${to} LOOP
        EXECUTE format('CREATE SCHEMA tenant_%s; CREATE TABLE tenant_%s.notes AS SELECT n AS id, md5((n * %s)::text) AS note FROM generate_series(1, 5) n', i, i, i);
      END LOOP; END $$`,
      'many',
    );
  for (let from = 1; from <= 1000; from += 250) await some(from, from + 249);
  const agent = await testAgent({
    ...QUICK,
    DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/many`,
    TENANT_SCHEMAS: 'tenant_*',
  });
  const before = await checksumsOf(server, 'many');
  const backup = await agent.run(['backup', '--tenants']);
  expect(backup.stderr).toMatch(/stored 1000 tenants/);
  expect(backup.code).toBe(0);
  expect(agent.snapshots()).toHaveLength(1);

  await server.sql('DROP TABLE tenant_777.notes', 'many');
  const restore = await agent.run(['restore', 'many', '--tenant', '777', '--yes']);
  expect(restore.stderr).toMatch(/1 table, 5 rows; 1 table, 5 rows and \d+ objects equal to the source/);
  expect(restore.code).toBe(0);
  expect(current(await checksumsOf(server, 'many'))).toEqual(before);
});
