import { expect, onTestFinished, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';

const TABLES = 2_000;

test('more tables than the server can lock → the doctor warns, the dump fails with the setting and its value, and passes with that', async () => {
  const server = await startPostgres(['max_connections=12', 'max_worker_processes=2', 'max_wal_senders=0']);
  onTestFinished(() => server.stop());
  const setLocks = async (each: number) => {
    await server.sql(`ALTER SYSTEM SET max_locks_per_transaction = ${each}`);
    await server.crash('SIGINT');
    await server.revive();
  };
  await server.sql('CREATE DATABASE many');
  await server.sql(
    `DO $$ BEGIN FOR i IN 1..${TABLES} LOOP EXECUTE format('CREATE TABLE t%s (id int)', i); COMMIT; END LOOP; END $$`,
    'many',
  );
  await setLocks(10);
  const agent = await testAgent({
    DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/many`,
    BACKUP_RETENTION: 'off',
    BACKUP_CHECK_INTERVAL: '0',
    // Two thousand tables are dumped, and not hashed as well.
    BACKUP_PROOF: 'none',
  });
  const doctor = await agent.run(['doctor']);
  expect(doctor.stdout).toMatch(
    /a dump locks 2000 tables at once, and the server has room for 120 locks: set max_locks_per_transaction = 192 there/,
  );
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(
    /dump of many failed .*out of shared memory[^]*Set max_locks_per_transaction = 192 on the server \(it is 10\)/,
  );
  expect(code).toBe(1);
  expect(agent.snapshots()).toEqual([]);
  expect(agent.lastOk()).toBeNull();

  await setLocks(192);
  const good = await agent.run(['backup']);
  expect(good.stderr).toMatch(/backup of many: stored/);
  expect(good.stderr).not.toMatch(/warning/);
  expect(good.code).toBe(0);
});
