import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

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

test('a table above the limit → proved by samples, and so it reads wherever the verdict is told', async () => {
  const { database, environment } = await createShop(server, 20_000);
  await server.sql(`ANALYZE TABLE orders, customers`, database);
  const agent = await testAgent({ ...environment, BACKUP_PROOF_LIMIT: '1M' });
  expect((await agent.run(['backup'])).code).toBe(0);
  const { stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(/equal to the source \(the rows of orders by samples\); proved$/m);
  expect((await agent.run(['status'])).stdout).toMatch(/proved \S+, 1 table by samples, restored in/);
  const { sources } = JSON.parse(
    readFileSync(join(agent.environment['HOLDFAST_STATUS_DIR']!, 'status.json'), 'utf8'),
  ) as { sources: object[] };
  expect(sources).toMatchObject([{ name: database, verification: { verdict: 'proved', sampledTables: 1 } }]);
});

test('FLOAT values that no dump carries → restored and not proved, with the table and its rows; real damage is told, and a restore is done', async () => {
  const { database, user, environment } = await createShop(server, 3);
  await server.sql(
    `GRANT ALL ON ${database}.* TO ${user}@'%'; GRANT ALL ON \`${database}\\_before\\_%\`.* TO ${user}@'%'; GRANT SET USER ON *.* TO ${user}@'%'; USE ${database};
     CREATE TABLE readings (id INT PRIMARY KEY, v FLOAT, w FLOAT(7,4), d DOUBLE);
     INSERT INTO readings VALUES (1, 1.5, 123.4567, 1.2345678901234567), (2, -3.14159, NULL, 0), (3, 0.1, 999.9999, 1e308), (4, 1.1e-40, 0, 0), (5, -0.0, 0, 0)`,
  );
  const agent = await testAgent(environment);
  expect((await agent.run(['backup'])).code).toBe(0);
  expect((await agent.run(['verify'])).stderr).toMatch(/equal to the source; proved$/m);

  await server.sql(
    'UPDATE readings SET v = 16777216 WHERE id = 1; UPDATE readings SET v = 1.2345678 WHERE id = 3',
    database,
  );
  const backup = await agent.run(['backup']);
  expect(backup.code, backup.stderr).toBe(0);
  const verified = await agent.run(['verify']);
  expect(verified.stderr).toMatch(
    /not proven: readings: 2 rows hold FLOAT values of more than six digits, which no dump carries \(store them as DOUBLE\)/,
  );
  expect(verified.stderr).not.toMatch(/proved/);
  expect(verified.code).toBe(3);
  const restored = await agent.run(['restore', database, '--yes', '--no-restore-point']);
  expect(restored.stderr).toMatch(/equality is not proven: readings: 2 rows/);
  expect(restored.code, restored.stderr).toBe(0);
  expect(await server.sql('SELECT CAST(v AS DOUBLE) AS v FROM readings WHERE id = 1', database)).toEqual([
    { v: 16777200 },
  ]);
});
