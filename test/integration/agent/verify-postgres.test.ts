import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql(
    `CREATE ROLE keeper LOGIN PASSWORD 'keeper-secret' BYPASSRLS CREATEDB; GRANT pg_read_all_data TO keeper`,
  );
});
afterAll(() => server.stop());

let number = 0;

/** A backed-up shop; `more` stands under its source in a configuration file. */
async function shopWithBackup(more = ''): Promise<TestAgent & { database: string }> {
  const database = `shop${(number += 1)}`;
  await server.sql(`CREATE DATABASE ${database}`);
  await server.sql(
    `CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL);
     INSERT INTO orders (note) SELECT md5(n::text) FROM generate_series(1, 1000) n;
     CREATE VIEW totals AS SELECT count(*) AS number FROM orders;
     CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'Ada'), (2, NULL);`,
    database,
  );
  const url = `postgresql://keeper:keeper-secret@127.0.0.1:${server.port}/${database}`;
  const agent = await testAgent({});
  const file = join(agent.folder, 'holdfast.yml');
  writeFileSync(file, `sources:\n  - url: ${url}\n    name: ${database}\n${more}`);
  agent.environment['HOLDFAST_CONFIG'] = file;
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).not.toMatch(/warning|error/);
  expect(code).toBe(0);
  return { ...agent, database };
}

const scratches = async (of = server) =>
  (await of.sql(`SELECT datname FROM pg_database WHERE datname LIKE 'holdfast\\_scratch\\_%'`)).length;

const lastVerification = async (agent: TestAgent) => {
  const [run] = JSON.parse((await agent.run(['history', '--limit', '1', '--json'])).stdout) as {
    job: string;
    result: string;
    facts: { verification: { verdict: string; restoreSeconds: number | null; steps: object[] } };
  }[];
  return run!;
};

test('a backup → verified as proved, with the steps that were taken, and the scratch is gone', async () => {
  const agent = await shopWithBackup();
  const { code, stderr } = await agent.run(['verify']);
  expect(stderr).toMatch(
    /into scratch in .*: 2 tables, 1002 rows and \d+ objects equal to the source; proved/,
  );
  expect(stderr).toMatch(/examine not run: amcheck cannot be made/);
  expect(code).toBe(0);
  expect(await lastVerification(agent)).toMatchObject({
    result: 'succeeded',
    facts: {
      verification: {
        verdict: 'proved',
        restoreSeconds: expect.any(Number) as number,
        steps: [
          { step: 'fetch', result: 'passed' },
          { step: 'restore', result: 'passed' },
          { step: 'analyze', result: 'passed' },
          { step: 'compare', result: 'passed' },
          { step: 'examine', result: 'not run' },
        ],
      },
    },
  });
  expect((await agent.run(['status'])).stdout).toMatch(/ proved .*, restored in /);
  expect(await scratches()).toBe(0);
});

test('a scratch server of its own, and queries → proved there, amcheck too; a query that is answered otherwise fails', async () => {
  const other = await startPostgres();
  try {
    const at = `    verify:\n      server: postgresql://boss:bosspw@127.0.0.1:${other.port}/postgres\n      queries:\n`;
    const agent = await shopWithBackup(
      `${at}        - {sql: SELECT count(*) FROM orders, value: 1000}\n        - {sql: SELECT * FROM customers;, rows: {min: 2, max: 2}}\n`,
    );
    const good = await agent.run(['verify']);
    expect(good.stderr).toMatch(/; proved$/m);
    expect(good.code).toBe(0);
    expect((await lastVerification(agent)).facts.verification.steps.slice(-2)).toMatchObject([
      { step: 'examine', result: 'passed', detail: '2 indexes sound by amcheck' },
      { step: 'queries', result: 'passed', detail: '2 queries answered as expected' },
    ]);

    const url = `postgresql://keeper:keeper-secret@127.0.0.1:${server.port}/${agent.database}`;
    const wrong = `        - {sql: DELETE FROM orders, rows: {min: 0}}\n        - {sql: SELECT max(id) FROM orders, value: 7}\n`;
    writeFileSync(
      agent.environment['HOLDFAST_CONFIG']!,
      `sources:\n  - url: ${url}\n    name: ${agent.database}\n${at}${wrong}`,
    );
    const bad = await agent.run(['verify']);
    expect(bad.stderr).toMatch(/the query "DELETE FROM orders" failed: /);
    expect(bad.stderr).toMatch(/the query "SELECT max\(id\) FROM orders" gave 1000, expected 7/);
    expect(bad.code).toBe(1);
    expect(await scratches(other)).toBe(0);
  } finally {
    await other.stop();
  }
});
