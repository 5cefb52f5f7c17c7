import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { postgres } from '../../helpers/engines.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { createPostgresShop } from '../../helpers/postgres-shop.ts';
import type { TestServer } from '../../helpers/server.ts';
import { startTap, type Tap } from '../../helpers/tap.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

type ShopAgent = TestAgent & {
  database: string;
  user: string;
  /** Between the agent and the server: holds back the rows of a load. */
  tap: Tap;
};

const ROWS = 3000;
/** Rows of the shop before the restore. */
const SPOILED =
  'DELETE FROM orders WHERE id > 7; DELETE FROM customers WHERE id > 1; CREATE TABLE since (id int)';

/** A shop whose user owns it all and may make no database, with a good backup and then fewer rows. */
async function spoiledShop(more = '', environment: Record<string, string> = {}): Promise<ShopAgent> {
  const tap = await startTap(server, postgres.sendsOrders, 'taken');
  const shop = await createPostgresShop(server, ROWS, tap.port);
  const { database, user } = shop;
  await postgres.allowRestore(server, shop, 'in place');
  if (more !== '') await server.sql(`SET ROLE ${user}; ${more}`, database);
  const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off', ...environment });
  expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
  await server.sql(`ALTER ROLE ${user} NOCREATEDB`);
  await server.sql(`SET ROLE ${user}; ${SPOILED}`, database);
  return { ...agent, database, user, tap };
}

const orders = async (database: string) =>
  Number((await server.sql('SELECT count(*) AS n FROM orders', database))[0]?.['n']);

const isThere = async (table: string, database: string) =>
  (await server.sql(`SELECT FROM pg_tables WHERE tablename = '${table}'`, database)).length > 0;

const beside = async ({ database }: ShopAgent) =>
  (await postgres.databases(server)).filter((name) => name !== database && /scratch|before/.test(name));

async function reader({ database, user }: ShopAgent): Promise<pg.Client> {
  const client = new pg.Client({
    ...{ host: server.host, port: server.port, user, password: 'keeper-secret', database },
    application_name: 'reader',
  });
  await client.connect();
  return client;
}

const waits = async () =>
  (
    await server.sql(
      `SELECT FROM pg_stat_activity WHERE application_name = 'reader' AND wait_event_type = 'Lock'`,
    )
  ).length > 0;

/** A restore that is met while it loads the rows, the old ones being dropped already. */
async function metWhileLoading(agent: ShopAgent, happens: (pid: number) => Promise<unknown>) {
  const { tap } = agent;
  tap.holdAt(50_000);
  const { child, ended } = agent.start(['restore', agent.database, '--yes']);
  await until('the rows are met', async () => tap.isHolding());
  await happens(child.pid ?? 0);
  tap.letGo();
  return ended;
}

describe('a restore by a user who may make no database', () => {
  test('is done in one transaction, which a dry run says with the statement that swaps: equal to the proof, with statistics, and nothing beside', async () => {
    const agent = await spoiledShop();
    const { database } = agent;
    const plan = await agent.run(['restore', database, '--dry-run']);
    expect(plan.stderr).toMatch(
      /nothing was changed; would .*first a restore point.*dropped, loaded and compared in one transaction.*may not make databases: .*ALTER ROLE "keeper\d+" CREATEDB/,
    );
    expect(plan.code).toBe(0);
    expect(await orders(database)).toBe(7);
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(/warning: .* will be replaced in one transaction, and who uses it waits/);
    expect(stderr).toMatch(
      /3 tables, 3003 rows and \d+ objects equal to the source.*restore point [0-9a-f]{8}/,
    );
    expect(stderr).toMatch(
      /no?t by a new one beside which the old one stays.*ALTER ROLE "keeper\d+" CREATEDB/,
    );
    expect(code).toBe(3);
    expect(await orders(database)).toBe(ROWS);
    expect(await isThere('since', database)).toBe(false);
    const [statistics] = await server.sql(
      `SELECT reltuples AS n FROM pg_class WHERE relname = 'orders'`,
      database,
    );
    expect(Number(statistics?.['n'])).toBe(ROWS);
    expect(await beside(agent)).toEqual([]);
    expect((await agent.run(['backup'])).code).toBe(0);
  });

  test('killed between the emptying and the end of the load → the old rows, at once; a reader has waited and sees them; the next one brings it back', async () => {
    const agent = await spoiledShop();
    const { database } = agent;
    const client = await reader(agent);
    onTestFinished(() => client.end());
    let seen: Promise<string> | undefined;
    const { code } = await metWhileLoading(agent, async (pid) => {
      seen = client.query<{ n: string }>('SELECT count(*) AS n FROM orders').then(({ rows }) => rows[0]!.n);
      await until('the reader waits', waits);
      process.kill(pid, 'SIGKILL');
    });
    expect(code).toBeNull();
    expect(await seen).toBe('7');
    expect(await orders(database)).toBe(7);
    expect(await isThere('since', database)).toBe(true);
    // What it is is no rest of a restore.
    expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
    const [first] = await agent.dumps();
    expect((await agent.run(['restore', database, '--snapshot', first!, '--yes'])).code).toBe(3);
    expect(await orders(database)).toBe(ROWS);
  });

  test('a reader meanwhile → waits, and sees the new rows when it is done', async () => {
    const agent = await spoiledShop();
    const client = await reader(agent);
    onTestFinished(() => client.end());
    let seen: Promise<string> | undefined;
    await metWhileLoading(agent, async () => {
      seen = client.query<{ n: string }>('SELECT count(*) AS n FROM orders').then(({ rows }) => rows[0]!.n);
      await until('the reader waits', waits);
    });
    expect(await seen).toBe(String(ROWS));
  });

  test('the connection is ended while it loads → the old rows, and the next one brings it back', async () => {
    const agent = await spoiledShop();
    const { database } = agent;
    const { code, stderr } = await metWhileLoading(agent, () =>
      server.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'holdfast'`,
      ),
    );
    expect(stderr).toMatch(/restore of shop\d+ failed: /);
    expect(code).toBe(1);
    expect(await orders(database)).toBe(7);
    expect((await agent.run(['restore', database, '--yes'])).code).toBe(3);
    expect(await orders(database)).toBe(ROWS);
  });

  test('a load that fails half way → the old rows, with the server’s complaint', async () => {
    const agent = await spoiledShop(
      // Is looked for without a path when it is loaded; and after the rows of `orders`.
      `CREATE FUNCTION known(int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM customers WHERE id = $1)';
       CREATE TABLE zeal (id int CHECK (known(id))); INSERT INTO zeal VALUES (1)`,
    );
    const { code, stderr } = await agent.run(['restore', agent.database, '--yes']);
    expect(stderr).toMatch(/restore of shop\d+ failed: .*relation "customers" does not exist/);
    expect(code).toBe(1);
    expect(await orders(agent.database)).toBe(7);
    expect(await isThere('since', agent.database)).toBe(true);
  });

  test('a dump that was stored as a folder → the same', async () => {
    const agent = await spoiledShop('', { BACKUP_FORMAT: 'directory' });
    const { stderr } = await agent.run(['restore', agent.database, '--yes']);
    expect(stderr).toMatch(/replaced in one transaction[\s\S]*equal to the source/);
    expect(await orders(agent.database)).toBe(ROWS);
  });

  test('of some tables, which cannot be compared beside → only with --unverified, and then in one transaction too', async () => {
    const agent = await spoiledShop();
    const { database } = agent;
    const args = ['restore', database, '--tables', 'customers', '--yes'];
    const refused = await agent.run(args);
    expect(refused.stderr).toMatch(
      /cannot be loaded and compared beside first: .*; shop\d+ was not touched\nhint: .*CREATEDB.* add --unverified/,
    );
    expect(refused.code).toBe(1);
    const { code, stderr } = await agent.run([...args, '--unverified']);
    expect(stderr).toMatch(/1 table, 2 rows; everything else is as it was[\s\S]*not compared/);
    expect(code).toBe(3);
    expect(await orders(database)).toBe(7);
  });

  test('and who does not own an extension there → refused with its name before anything, in a dry run too; no restore point is stored', async () => {
    const agent = await spoiledShop();
    const { database } = agent;
    await server.sql('CREATE EXTENSION pg_trgm', database);
    const stored = agent.snapshots();
    const told =
      /can neither be swapped .*may not make databases\) nor be replaced in one transaction \(keeper\d+ does not own extension pg_trgm in shop\d+\); nothing was changed\nhint: Restore as a superuser.*for the swap: .*CREATEDB/;
    for (const how of ['--dry-run', '--yes']) {
      const { code, stderr } = await agent.run(['restore', database, how]);
      expect(stderr).toMatch(told);
      expect(code).toBe(1);
    }
    expect(agent.snapshots()).toEqual(stored);
    expect(await orders(database)).toBe(7);
  });
});
