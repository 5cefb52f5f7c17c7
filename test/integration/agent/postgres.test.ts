import { afterAll, beforeAll, expect, test } from 'vitest';
import { haltedRestic, testAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql(
    `CREATE ROLE keeper LOGIN PASSWORD 'keeper-secret' BYPASSRLS CREATEDB; GRANT pg_read_all_data TO keeper`,
  );
});
afterAll(() => server.stop());

let number = 0;

async function agentWithShop(rows = 1_000) {
  number += 1;
  const database = `My "Shöp"=${number} -d`;
  await server.sql(`CREATE DATABASE "${database.replaceAll('"', '""')}"`);
  await server.sql(
    `CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL);
     INSERT INTO orders (note) SELECT repeat(md5(n::text), 5) FROM generate_series(1, ${rows}) n;
     CREATE VIEW totals AS SELECT count(*) AS number FROM orders;
     CREATE TABLE "Mixed Case" (doc jsonb, raw bytea); INSERT INTO "Mixed Case" VALUES ('{"a":[1,2]}', '\\x00ff');`,
    database,
  );
  const url = `postgresql://keeper:keeper-secret@127.0.0.1:${server.port}/${encodeURIComponent(database)}`;
  return { database, agent: await testAgent({ DATABASE_URL: url }) };
}

const contents = (database: string) =>
  server.sql(
    `SELECT (SELECT count(*) FROM orders) AS rows, (SELECT sum(hashtext(note)::bigint) FROM orders) AS sum,
            (SELECT number FROM totals) AS total, (SELECT doc::text || raw::text FROM "Mixed Case") AS odd`,
    database,
  );

test('a database with an odd name → backed up with its roles beside it, verified, and restored equal', async () => {
  const { database, agent } = await agentWithShop();
  expect((await agent.run(['doctor'])).code).toBe(0);
  const backup = await agent.run(['backup']);
  expect(backup.stderr).not.toMatch(/warning|error/);
  expect(backup.code).toBe(0);
  const list = JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as {
    path: string;
    tags: { kind: string };
  }[];
  expect(list.map(({ tags }) => tags.kind).toSorted()).toEqual(['dump', 'globals', 'proof']);
  expect((await agent.run(['verify'])).stderr).toMatch(
    /2 tables, 1001 rows and \d+ objects equal to the source; proved/,
  );
  expect((await agent.run(['restore', database, '--to', 'copy', '--no-owner'])).code).toBe(0);
  expect(await contents('copy')).toEqual(await contents(database));
  await server.sql('DROP DATABASE copy');
});

test('its database takes no connection any more when the globals are stored → failed; neither the dump nor the globals stay', async () => {
  const { database, agent } = await agentWithShop(150_000);
  const halted = haltedRestic(agent.folder);
  // Let the globals through: the dump is what is to be met in the middle.
  const { ended } = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
  await until('the first part waits', async () => halted.reached());
  await server.sql(`ALTER DATABASE "${database.replaceAll('"', '""')}" ALLOW_CONNECTIONS false`);
  halted.letGo();
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/not currently accepting connections|could not connect to database/);
  expect(code).toBe(1);
  expect(agent.snapshots()).toEqual([]);
  expect(agent.lastOk()).toBeNull();
  await server.sql(`ALTER DATABASE "${database.replaceAll('"', '""')}" ALLOW_CONNECTIONS true`);
  expect((await agent.run(['backup'])).code).toBe(0);
});

test('a table that row security hides → refused with what mends it; mended → good', async () => {
  const { database, agent } = await agentWithShop();
  await server.sql(`ALTER ROLE keeper NOBYPASSRLS`);
  await server.sql(`ALTER TABLE orders ENABLE ROW LEVEL SECURITY`, database);
  const refused = await agent.run(['backup']);
  expect(refused.stderr).toMatch(/orders[\s\S]*BYPASSRLS/);
  expect(refused.code).toBe(1);
  expect(agent.snapshots()).toEqual([]);
  await server.sql(`ALTER ROLE keeper BYPASSRLS`);
  expect((await agent.run(['backup'])).code).toBe(0);
});
