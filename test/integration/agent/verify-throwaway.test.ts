import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { mariadb, postgres, type TestEngine } from '../../helpers/engines.ts';
import type { TestServer } from '../../helpers/server.ts';
import { processesIn, throwawayFolder } from '../../helpers/throwaway.ts';
import { until } from '../../helpers/until.ts';

const servers = new Map<TestEngine, TestServer>();
beforeAll(async () => {
  for (const engine of [postgres, mariadb]) servers.set(engine, await engine.start());
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

interface Verifying {
  agent: TestAgent;
  server: TestServer;
  database: string;
  /** Where its throw-away servers have their folders. */
  folder: string;
}

/** A backed-up shop that is verified on throw-away servers; `prepare` is run in its database before. */
async function shopWithBackup(engine: TestEngine, prepare = ''): Promise<Verifying> {
  const server = servers.get(engine)!;
  const { database, environment } = await engine.createShop(server, 1000);
  if (prepare !== '') await server.sql(prepare, database);
  const folder = throwawayFolder();
  const agent = await testAgent({ ...environment, VERIFY_SERVER: 'throw-away', VERIFY_FOLDER: folder });
  const { code, stderr } = await agent.run(['backup']);
  expect(code, stderr).toBe(0);
  return { agent, server, database, folder };
}

/** What no dump brings: a role in a policy, and extensions that only a superuser may make. */
const LEANING = `CREATE ROLE "tenant 7"; CREATE EXTENSION citext; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION amcheck;
  COMMENT ON EXTENSION pg_stat_statements IS 'ours';
  CREATE POLICY own ON customers TO "tenant 7" USING (name = 'Ada');`;

describe.each([postgres, mariadb])('$name, verified on a throw-away server', (engine) => {
  test('a backup → proved there, damage looked for, and nothing of it is left', async () => {
    const { agent, folder } = await shopWithBackup(engine, engine === postgres ? LEANING : '');
    const doctor = await agent.run(['doctor']);
    expect(doctor.stdout).toMatch(
      new RegExp(`scratch databases .* can be made and dropped on a throw-away ${engine.name} \\d`),
    );
    const { code, stderr } = await agent.run(['verify']);
    expect(stderr).toMatch(
      new RegExp(
        `into scratch on a throw-away ${engine.name} [\\d.]+ in .*: \\d tables, 100\\d rows and .* equal to the source; proved$`,
        'm',
      ),
    );
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    expect(processesIn(folder)).toEqual([]);
  });

  test('verify is killed in the middle → its server dies with it, and the next one sweeps and proves', async () => {
    const { agent, folder } = await shopWithBackup(engine);
    const file = join(agent.folder, 'holdfast.yml');
    const { DATABASE_URL, MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD } =
      agent.environment;
    const url =
      DATABASE_URL ?? `mysql://${MYSQL_USER}:${MYSQL_PASSWORD}@${MYSQL_HOST}:${MYSQL_PORT}/${MYSQL_DATABASE}`;
    const slow = engine === postgres ? 'SELECT pg_sleep(600)' : 'SELECT SLEEP(600)';
    const verify = `    verify: {server: throw-away, queries: [{sql: ${slow}, rows: {min: 1}}]}`;
    writeFileSync(file, `sources:\n  - url: ${url}\n${verify}\n`);
    const { child, ended } = agent.start(['verify'], { HOLDFAST_CONFIG: file });
    const socket = engine === postgres ? '.s.PGSQL.5432' : 'socket';
    await until('the server is there', async () =>
      readdirSync(folder).some((name) => existsSync(join(folder, name, socket))),
    );
    child.kill('SIGKILL');
    await ended;
    await until('its server is gone', async () => processesIn(folder).length === 0);
    expect(readdirSync(folder)).toHaveLength(1);

    const { code, stderr } = await agent.run(['verify']);
    expect(stderr).toMatch(/; proved$/m);
    expect(code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});
