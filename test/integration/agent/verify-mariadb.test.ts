import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMysqlSource } from '../../../agent/sources/mysql/mysql.ts';
import { DEFAULT_TOOLS } from '../../../agent/sources/tools.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { plantWithOldProof } from '../../helpers/stale-proof.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { mysqlConfig, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** A backed-up shop; `more` stands under its source in a configuration file. */
async function shopWithBackup(more = ''): Promise<TestAgent & { database: string }> {
  const { database, user, environment } = await createShop(server, 1000);
  const agent = await testAgent(environment);
  if (more !== '') {
    const url = `mysql://${user}:keeper-secret@127.0.0.1:${server.port}/${database}`;
    agent.environment['HOLDFAST_CONFIG'] = join(agent.folder, 'holdfast.yml');
    writeFileSync(
      agent.environment['HOLDFAST_CONFIG'],
      `sources:\n  - url: ${url}\n    name: ${database}\n${more}`,
    );
  }
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).not.toMatch(/error|not proven/);
  expect(code, stderr).toBe(0);
  return { ...agent, database };
}

const scratches = async () => (await server.sql(`SHOW DATABASES LIKE 'holdfast\\_scratch\\_%'`)).length;

test('a backup → verified as proved, every table checked, and the scratch is gone', async () => {
  const agent = await shopWithBackup();
  const { code, stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(
    /into scratch in .*: 2 tables, 1002 rows and \d+ objects equal to the source; proved$/m,
  );
  expect(code).toBe(0);
  const [run] = JSON.parse((await agent.run(['history', '--limit', '1', '--json'])).stdout) as object[];
  expect(run).toMatchObject({
    facts: {
      verification: {
        verdict: 'proved',
        steps: [
          { step: 'fetch', result: 'passed' },
          { step: 'restore', result: 'passed' },
          { step: 'analyze', result: 'passed' },
          { step: 'compare', result: 'passed' },
          { step: 'examine', result: 'passed', detail: '2 tables sound by CHECK TABLE' },
        ],
      },
    },
  });
  expect(await scratches()).toBe(0);
});

test('a dump of changed rows and objects is planted with the proof of the old one → failed, and they are named', async () => {
  const agent = await shopWithBackup();
  await server.sql(
    `UPDATE orders SET note = 'x' WHERE id = 500; DELETE FROM customers WHERE id = 2; DROP TRIGGER marked`,
    agent.database,
  );
  const config = { name: agent.database, database: agent.database, port: server.port };
  const deps = { ...testDeps(), tools: DEFAULT_TOOLS, idleTimeoutMs: 60_000 };
  await plantWithOldProof(agent, createMysqlSource(mysqlConfig(config), deps));

  const { code, stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(/table orders has its 1000 rows, but not the ones of the source/);
  expect(stderr).toMatch(/table customers has 1 row, expected 2/);
  expect(stderr).toMatch(/trigger \S*marked is missing/);
  expect(code).toBe(1);
  expect(await scratches()).toBe(0);
});

test('verify is killed in the middle → the next one sweeps its scratch and proves', async () => {
  const slow = '    verify: {queries: [{sql: "SELECT SLEEP(600), 424242", rows: {min: 1}}]}\n';
  const agent = await shopWithBackup(slow);
  const { child, ended } = agent.start(['verify']);
  await until(
    'the query is being answered',
    async () =>
      (await server.sql(`SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(600)%'`))
        .length > 0,
  );
  child.kill('SIGKILL');
  await ended;
  expect(await scratches()).toBe(1);

  const { code, stderr } = await agent.run(['verify'], { HOLDFAST_CONFIG: '' });
  expect(stderr).toMatch(/; proved$/m);
  expect(code).toBe(0);
  expect(await scratches()).toBe(0);
});

test('no proof was wanted, or it was lost → restored, and never called proved', async () => {
  const agent = await shopWithBackup();
  const without = { BACKUP_PROOF: 'none' };
  expect((await agent.run(['backup'], without)).code).toBe(0);
  const unwanted = await agent.run(['verify'], without);
  expect(unwanted.stderr).toMatch(/not proven: the configuration wants no proof$/m);
  expect(unwanted.code).toBe(0);

  const lost = await agent.run(['verify']);
  expect(lost.stderr).toMatch(
    /not proven: the repository holds no proof of \w+ \(the configuration wants no proof\)/,
  );
  expect(lost.code).toBe(3);
  expect((await agent.run(['status'])).stdout).toMatch(/restored, not proven/);
  expect((await agent.run(['history', '--limit', '1'])).stdout).toMatch(/succeeded \(not proven\)/);
});
