import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { createPostgresShop } from '../../helpers/postgres-shop.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

type ShopAgent = TestAgent & { database: string; user: string };

/** A shop that the agent's own role owns, with a good backup. */
async function agentWithBackup(rows = 500): Promise<ShopAgent> {
  const shop = await createPostgresShop(server, rows);
  const { database, user } = shop;
  await server.sql(`ALTER DATABASE ${database} OWNER TO ${user}; GRANT pg_signal_backend TO ${user}`);
  await server.sql(
    `ALTER TABLE orders OWNER TO ${user}; ALTER TABLE customers OWNER TO ${user};
     ALTER TABLE visits OWNER TO ${user}; ALTER VIEW totals OWNER TO ${user};`,
    database,
  );
  // Tests take most of the rows away, and back up what is left.
  const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off' });
  expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
  return { ...agent, database, user };
}

const asBoss = (database: string) => ({
  DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/${database}`,
});

const orders = async (database: string) =>
  Number((await server.sql('SELECT count(*) AS n FROM orders', database))[0]?.['n']);

const databases = async () =>
  (await server.sql('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name));

const keptBeside = async (database: string) =>
  (await databases()).filter((name) => name.startsWith(`${database}_before_`));

const leftovers = async () => (await databases()).filter((name) => name.startsWith('holdfast_scratch'));

async function connect(database: string, user: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user,
    password: 'keeper-secret',
    database,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Rows of the shop before the restore; afterwards there are 500 orders and 2 customers. */
const SPOILED = 'DELETE FROM orders WHERE id > 7; DELETE FROM customers WHERE id > 1';

describe('a restore of PostgreSQL over the database itself', () => {
  test('swaps a new one in: the rows are back, the old one stays under a dated name until --drop-old', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql(`${SPOILED}; CREATE TABLE since (id int)`, database);
    const plan = await agent.run(['restore', database, '--dry-run']);
    expect(plan.stderr).toMatch(
      /nothing was changed; would restore .*first a restore point.*swapped in; the old one is kept as shop\d+_before_/,
    );
    expect(plan.code).toBe(0);
    expect(await orders(database)).toBe(7);

    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(
      /restored [0-9a-f]{8} of .* into shop\d+: 3 tables, 503 rows.*restore point [0-9a-f]{8}/,
    );
    // What comes back belongs to the agent's role: it is no superuser, and says so.
    expect(code).toBe(3);
    expect(await orders(database)).toBe(500);
    const [kept, ...more] = await keptBeside(database);
    expect(more).toEqual([]);
    expect(stderr).toContain(`the old one is ${kept} until`);
    expect(await orders(kept!)).toBe(7);
    expect(await leftovers()).toEqual([]);

    const dropped = await agent.run(['restore', database, '--drop-old']);
    expect(dropped.stdout).toBe(`dropped ${kept}\n`);
    expect(await keptBeside(database)).toEqual([]);
    expect((await agent.run(['backup'])).code).toBe(0);
  });

  test('the restore point → listed as such, never the newest, and restored by its id', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql(SPOILED, database);
    const { stderr } = await agent.run(['restore', database, '--yes', '--no-owner']);
    const point = /restore point ([0-9a-f]{8})/.exec(stderr)![1]!;
    const list = (await agent.run(['snapshots', database])).stdout;
    expect(list).toMatch(new RegExp(`^${point} .*restore-point .*/restore-points/`, 'm'));
    const newest = await agent.run(['restore', database, '--to', `${database}_newest`]);
    expect(newest.stderr).not.toContain(point);
    expect(await orders(`${database}_newest`)).toBe(500);
    const back = await agent.run(['restore', database, '--snapshot', point, '--to', `${database}_point`]);
    expect(back.stderr).toContain(`restored ${point}`);
    expect(await orders(`${database}_point`)).toBe(7);
  });

  test('owner, rights, settings, comment and limit of the database → the new one has them', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(`
      CREATE ROLE reader_${database};
      ALTER DATABASE ${database} SET search_path TO public, "odd, name";
      ALTER DATABASE ${database} SET work_mem TO '5MB';
      ALTER ROLE ${user} IN DATABASE ${database} SET statement_timeout TO '77s';
      ALTER DATABASE ${database} CONNECTION LIMIT 33;
      COMMENT ON DATABASE ${database} IS 'it''s the shop';
      REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
      GRANT CONNECT ON DATABASE ${database} TO reader_${database} WITH GRANT OPTION`);
    const likeness = () =>
      server.sql(`SELECT pg_get_userbyid(datdba) AS owner, datacl::text AS rights, datconnlimit AS connections,
        pg_encoding_to_char(encoding) AS encoding, datcollate AS collation, shobj_description(oid, 'pg_database') AS comment,
        (SELECT array_agg(setrole::text || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)::text AS settings
        FROM pg_database d WHERE datname = '${database}'`);
    const before = await likeness();
    const { code, stderr } = await agent.run(['restore', database, '--yes'], asBoss(database));
    expect(stderr).toMatch(/the old one is/);
    expect(code).toBe(0);
    expect(await likeness()).toEqual(before);
    const [owner] = await server.sql(
      `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'orders'`,
      database,
    );
    expect(owner).toEqual({ owner: user });
  });

  test('the restore point cannot be taken → nothing is changed, and --no-restore-point is offered', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(`${SPOILED}; ALTER TABLE orders OWNER TO boss`, database);
    await server.sql(`REVOKE pg_read_all_data FROM ${user}`);
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(/no restore point of shop\d+ could be taken, and nothing was changed/);
    expect(stderr).toMatch(/hint: To give up what is in shop\d+ now, restore with --no-restore-point/);
    expect(code).toBe(1);
    expect(await orders(database)).toBe(7);
    const points = agent.snapshots().length;
    await agent.run(['restore', database, '--yes', '--no-restore-point']);
    expect(await orders(database)).toBe(500);
    expect(agent.snapshots()).toHaveLength(points);
  });

  test('a role that owned something is gone → with --no-roles told before the target is touched, with the globals and --no-owner; otherwise made again', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql(`CREATE ROLE gone_${database}`);
    await server.sql(`ALTER TABLE visits OWNER TO gone_${database}`, database);
    expect((await agent.run(['backup'])).code).toBe(0);
    await server.sql(
      `REASSIGN OWNED BY gone_${database} TO boss; DROP ROLE gone_${database}; ${SPOILED}`,
      database,
    );
    const refused = await agent.run(['restore', database, '--yes', '--no-roles'], asBoss(database));
    expect(refused.stderr).toMatch(/role "gone_shop\d+" does not exist[\s\S]*globals[\s\S]*--no-owner/);
    expect(refused.code).toBe(1);
    expect(await orders(database)).toBe(7);
    const { code } = await agent.run(['restore', database, '--yes', '--no-owner'], asBoss(database));
    expect(code).toBe(0);
    expect(await orders(database)).toBe(500);
    const made = await agent.run(['restore', database, '--yes'], asBoss(database));
    expect(made.stderr).toMatch(/created a role that was missing: gone_shop\d+\n/);
    expect(made.code).toBe(0);
    const [owner] = await server.sql(
      `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'visits'`,
      database,
    );
    expect(owner).toEqual({ owner: `gone_${database}` });
  });

  test('the role does not own the database → replaced in one transaction, which is told with the statement that swaps', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(SPOILED, database);
    await server.sql(`ALTER SCHEMA public OWNER TO ${user}`, database);
    await server.sql(
      `ALTER DATABASE ${database} OWNER TO boss; GRANT CREATE ON DATABASE ${database} TO ${user}`,
    );
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(
      /replaced in one transaction[\s\S]*does not own shop\d+[\s\S]*ALTER DATABASE "shop\d+" OWNER TO/,
    );
    expect(code).toBe(3);
    expect(await orders(database)).toBe(500);
    expect(await leftovers()).toEqual([]);
    // Its `public` was made anew, which no proof may take for a difference.
    expect((await agent.run(['backup'])).code).toBe(0);
    expect((await agent.run(['verify'])).stderr).toMatch(/equal to the source/);
  });

  test('clients connect and read meanwhile → each sees the old one or the new one, or is refused; who stays connected is ended', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(SPOILED, database);
    const stays = await connect(database, user);
    onTestFinished(() => stays.end());
    const seen = new Set<string>();
    const refusals = new Set<string>();
    let over = false;
    const isOver = () => over;
    const read = async () => {
      while (!isOver()) {
        try {
          const client = await connect(database, user);
          try {
            const sql =
              "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM customers) AS n";
            seen.add(String((await client.query<{ n: string }>(sql)).rows[0]?.n));
          } finally {
            await client.end();
          }
        } catch (error) {
          refusals.add(String((error as { code?: unknown }).code));
        }
      }
    };
    const readers = [read(), read()];
    const { stderr } = await agent.run(['restore', database, '--yes']);
    await until('the new one was read', async () => seen.size > 1);
    over = true;
    await Promise.all(readers);
    expect(stderr).toMatch(/the old one is/);
    expect([...seen].sort()).toEqual(['500 2', '7 1']);
    // Ended by the swap, or its name was just given away: nothing else.
    expect([...refusals].filter((code) => !['57P01', '3D000', 'ECONNRESET'].includes(code))).toEqual([]);
    await expect(stays.query('SELECT 1')).rejects.toThrow();
  });

  test('the database subscribes to another server → a verification and --to go without, a restore for good brings it back disabled and says so', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql(
      `CREATE SUBSCRIPTION news CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false)`,
      database,
    );
    await server.sql("COMMENT ON SUBSCRIPTION news IS 'of the other server'", database);
    const boss = asBoss(database);
    const subscriptions = (name: string) =>
      server.sql(
        `SELECT subname, subenabled, subslotname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = '${name}'`,
      );
    expect((await agent.run(['backup'], boss)).code).toBe(0);
    const verified = await agent.run(['verify'], boss);
    expect(verified.stderr).toMatch(/equal to the source/);
    expect(verified.code).toBe(0);
    const copy = `${database}_copy`;
    const beside = await agent.run(['restore', database, '--to', copy], boss);
    expect(beside.stderr).toMatch(/shop\d+_copy lacks what the original subscribes to.*: news/);
    expect(beside.code).toBe(0);
    expect(await subscriptions(copy)).toEqual([]);

    await server.sql(
      'ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news; DROP TABLE visits',
      database,
    );
    const { code, stderr } = await agent.run(['restore', database, '--yes'], boss);
    expect(stderr).toMatch(
      /warning: .*subscription news of shop\d+ came back disabled.*ALTER SUBSCRIPTION "news" ENABLE;/,
    );
    expect(code).toBe(3);
    expect(await subscriptions(database)).toEqual([
      { subname: 'news', subenabled: false, subslotname: 'news' },
    ]);
    await server.sql('ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news', database);
  });

  test('a database sorts otherwise than the dumped one → filled as it is, with a warning; it is gone → made as the dump says', async () => {
    const { database, ...agent } = await agentWithBackup();
    const boss = asBoss(database);
    const provider = async () =>
      (await server.sql(`SELECT datlocprovider AS p FROM pg_database WHERE datname = '${database}'`))[0]?.[
        'p'
      ];
    await server.sql(`DROP DATABASE ${database} WITH (FORCE)`);
    await server.sql(
      `CREATE DATABASE ${database} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C.UTF-8'`,
    );
    const filled = await agent.run(['restore', database, '--yes', '--no-restore-point'], boss);
    expect(filled.stderr).toMatch(
      /warning: .*shop\d+ is UTF8, icu de \(C\.UTF-8\), and what was dumped was UTF8, libc C\.UTF-8/,
    );
    expect(filled.code).toBe(3);
    expect(await provider()).toBe('i');
    expect((await agent.run(['backup'], boss)).code).toBe(0);
    await server.sql(`DROP DATABASE ${database} WITH (FORCE)`);
    const made = await agent.run(['restore', database, '--yes'], boss);
    expect(made.stderr).toMatch(/restored .* equal to the source/);
    expect(made.code).toBe(0);
    expect(await provider()).toBe('i');
  });
});
