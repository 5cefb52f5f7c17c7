import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scratchPrefix } from '../../../agent/jobs/verify/scratch.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

type ShopAgent = TestAgent & { database: string };

async function agentWithBackup(rows = 500): Promise<ShopAgent> {
  const shop = await createShop(server, rows);
  await server.sql(
    `GRANT ALL ON ${shop.database}.* TO ${shop.user}@'%'; GRANT ALL ON \`${shop.database}\\_before\\_%\`.* TO ${shop.user}@'%'; GRANT SET USER ON *.* TO ${shop.user}@'%'`,
  );
  // Tests take most of the rows away, and back up what is left.
  const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off' });
  expect((await agent.run(['backup'])).code).toBe(0);
  return { ...agent, database: shop.database };
}

const contents = (database: string) =>
  server.sql(`
    SELECT 'orders' AS what, COUNT(*) AS number, SUM(CRC32(CONCAT_WS('#', id, name, note))) AS sum FROM ${database}.orders
    UNION ALL SELECT 'customers', COUNT(*), SUM(CRC32(CONCAT_WS('#', id, name))) FROM ${database}.customers
    UNION ALL SELECT 'totals', 1, number FROM ${database}.totals
    UNION ALL SELECT 'triggers', COUNT(*), 0 FROM information_schema.triggers WHERE trigger_schema = '${database}'
    UNION ALL SELECT 'routines', COUNT(*), 0 FROM information_schema.routines WHERE routine_schema = '${database}'`);

const databases = async () =>
  (await server.sql('SHOW DATABASES')).map((row) => String(Object.values(row)[0]));

describe('restore', () => {
  test('into a new database → the same rows and objects, and the source is untouched', async () => {
    const agent = await agentWithBackup();
    const before = await contents(agent.database);
    await server.sql(`DELETE FROM orders WHERE id > 10`, agent.database);
    const { code, stderr } = await agent.run(['restore', agent.database, '--to', 'holdfast_copy']);
    expect(stderr).toMatch(/into holdfast_copy: 2 tables, 502 rows/);
    expect(code).toBe(0);
    expect(await contents('holdfast_copy')).toEqual(before);
    expect((await contents(agent.database))[0]).toMatchObject({ number: 10 });

    const again = await agent.run(['restore', agent.database, '--to', 'holdfast_copy']);
    expect(again.stderr).toMatch(/there is a database holdfast_copy already/);
    expect(again.code).toBe(1);
    await server.sql('DROP DATABASE holdfast_copy');
  });

  test('over itself: without --yes and without a terminal → refused; with --yes → as it was, and what came since is gone', async () => {
    const agent = await agentWithBackup();
    const before = await contents(agent.database);
    await server.sql(`DELETE FROM customers; CREATE TABLE since_then (id INT)`, agent.database);
    const refused = await agent.run(['restore', agent.database]);
    expect(refused.stderr).toMatch(/would overwrite the database[\s\S]*--yes/);
    expect(refused.code).toBe(2);
    expect((await agent.run(['restore', agent.database, '--yes'])).code).toBe(0);
    expect(await contents(agent.database)).toEqual(before);
    expect(await server.sql(`SHOW TABLES LIKE 'since_then'`, agent.database)).toEqual([]);
  });

  test('over itself → what was there is a restore point, which is never the newest and comes back by its id', async () => {
    const agent = await agentWithBackup();
    await server.sql('DELETE FROM orders WHERE id > 7', agent.database);
    const { code, stderr } = await agent.run(['restore', agent.database, '--yes']);
    const point = /restore point ([0-9a-f]{8})/.exec(stderr)?.[1];
    expect(code).toBe(0);
    expect((await databases()).filter((name) => name.startsWith('holdfast_scratch'))).toEqual([]);
    const latest = execFileSync('restic', ['snapshots', '--json', 'latest'], { env: agent.environment });
    expect(String(latest)).toContain(`/mysql/${agent.database}.sql.gz`);
    const newest = await agent.run(['restore', agent.database, '--to', 'holdfast_newest_again']);
    expect(newest.stderr).toMatch(/2 tables, 502 rows/);
    const back = await agent.run(['restore', agent.database, '--snapshot', point ?? '', '--yes']);
    expect(back.stderr).toMatch(/2 tables, 9 rows/);
    await server.sql('DROP DATABASE holdfast_newest_again');
  });

  test('as a file and to stdout → a plain dump that the database’s own client loads', async () => {
    const agent = await agentWithBackup();
    const before = await contents(agent.database);
    expect((await agent.run(['restore', agent.database, '--output', agent.folder])).code).toBe(0);
    const file = readFileSync(join(agent.folder, `${agent.database}.sql`), 'utf8');
    const { code, stdout } = await agent.run(['restore', agent.database, '--output', '-']);
    expect(code).toBe(0);
    expect(stdout).toBe(file);
    await server.sql(`DROP DATABASE ${agent.database}`);
    const client = ['--host=127.0.0.1', `--port=${server.port}`, `--user=${server.admin.user}`];
    execFileSync('mariadb', client, {
      input: file,
      env: { ...process.env, MYSQL_PWD: server.admin.password },
    });
    expect(await contents(agent.database)).toEqual(before);
  });

  test('with restic, gunzip and the client alone → the same: nothing of ours is needed', async () => {
    const agent = await agentWithBackup();
    const before = await contents(agent.database);
    await server.sql(`DROP DATABASE ${agent.database}`);
    const pipe = `set -o pipefail; restic dump latest /mysql/${agent.database}.sql.gz | gunzip | mariadb --host=127.0.0.1 --port=${server.port} --user=${server.admin.user}`;
    execFileSync('bash', ['-c', pipe], {
      env: { ...agent.environment, MYSQL_PWD: server.admin.password, MYSQL_HOST: '' },
    });
    expect(await contents(agent.database)).toEqual(before);
  });

  test('by id and by time → the one that was asked for; what there is not → says what there is', async () => {
    const agent = await agentWithBackup();
    const [first] = await agent.dumps();
    await server.sql(`INSERT INTO customers VALUES (3, 'Cy')`, agent.database);
    expect((await agent.run(['backup'])).code).toBe(0);
    const byId = await agent.run([
      'restore',
      agent.database,
      '--snapshot',
      first!.slice(0, 8),
      '--to',
      'holdfast_first',
    ]);
    expect(byId.stderr).toMatch(/2 tables, 502 rows/);
    const newest = await agent.run(['restore', agent.database, '--to', 'holdfast_newest']);
    expect(newest.stderr).toMatch(/2 tables, 503 rows/);
    const list = JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as {
      id: string;
      time: string;
    }[];
    const at = list.find(({ id }) => id === first)!.time;
    const byTime = await agent.run([
      'restore',
      agent.database,
      '--at',
      at.slice(0, 19) + 'Z',
      '--to',
      'holdfast_time',
    ]);
    // To the second: the snapshot of that very second is later than its beginning.
    expect(byTime.stderr).toMatch(/the oldest snapshot of \S+ is of/);
    const early = await agent.run([
      'restore',
      agent.database,
      '--at',
      '2001-01-01 00:00',
      '--to',
      'holdfast_time',
    ]);
    expect(early.stderr).toMatch(/the oldest snapshot of \S+ is of 20/);
    expect(early.code).toBe(1);
    const unknown = await agent.run([
      'restore',
      agent.database,
      '--snapshot',
      'ffffffff',
      '--to',
      'holdfast_time',
    ]);
    expect(unknown.stderr).toMatch(/holds no snapshot ffffffff/);
    const elsewhere = { HOLDFAST_HOST: 'new-server' };
    const bare = await agent.run(['restore', agent.database, '--to', 'holdfast_time'], elsewhere);
    expect(bare.stderr).toMatch(
      /holds no snapshot of \S+ by this host[\s\S]*of the host holdfast: set HOLDFAST_HOST=holdfast/,
    );
    expect(bare.code).toBe(1);
    const listed = await agent.run(['snapshots', agent.database], elsewhere);
    expect(listed.stdout).toMatch(/no snapshots of the host new-server yet.*set HOLDFAST_HOST=holdfast/);
    expect(await databases()).not.toContain('holdfast_time');
    await server.sql('DROP DATABASE holdfast_first; DROP DATABASE holdfast_newest');
  });

  test('bad words → exit 2, each with what would be right', async () => {
    const agent = await agentWithBackup(1);
    for (const [args, message] of [
      [['restore'], /missing required argument 'source'/],
      [['restore', 'nope'], /there is no source "nope"[\s\S]*The configuration has/],
      [['restore', agent.database, '--at', 'yesterday'], /expected a time such as/],
      [['restore', agent.database, '--at', '2026-11-01 25:00'], /--at <time>.*expected a time such as/],
      [['restore', agent.database, '--at', '2026-02-31'], /--at <time>.*there is no 2026-02-31/],
      [
        ['restore', agent.database, '--to', 'x'.repeat(65)],
        /with --to has 65 (bytes|characters)[\s\S]*up to 6[34]/,
      ],
      [['restore', agent.database, '--to', 'a', '--output', 'b'], /--to and --output exclude each other/],
    ] as const) {
      const { code, stderr } = await agent.run([...args]);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    }
  });
});

describe('verify', () => {
  test('a good snapshot → what came back is equal, and the scratch is gone, that of a killed run too', async () => {
    const agent = await agentWithBackup();
    const doctor = await agent.run(['doctor', '--json']);
    expect(doctor.code).toBe(0);
    const dead = `${scratchPrefix('holdfast', agent.database)}dead`;
    await server.sql(`CREATE DATABASE ${dead}`);
    const first = await agent.run(['verify']);
    expect(first.stderr).toMatch(/2 tables, 502 rows and \d+ objects equal to the source; proved$/m);
    expect(first.code).toBe(0);
    expect((await databases()).filter((name) => name.startsWith('holdfast_scratch'))).toEqual([]);
  });
});
