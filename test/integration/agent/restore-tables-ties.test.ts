import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { outliving, releaseAll, type Release } from '../../helpers/when-over.ts';

/*
 * What ties a table of PostgreSQL to something that is not restored with it, and would be lost when it is dropped. One database and one
 * backup; each test has a schema of its own in it.
 */

let server: TestServer;
let agent: TestAgent;
const releases: Release[] = [];

beforeAll(async () => {
  server = await startPostgres(['wal_level=logical']);
  await server.sql('CREATE ROLE reader; CREATE ROLE writer');
  await server.sql('CREATE DATABASE shop');
  for (const [schema, objects] of Object.entries(SCHEMAS)) {
    await server.sql(`CREATE SCHEMA ${schema}; SET search_path = ${schema}; ${objects}`, 'shop');
  }
  const url = `postgresql://boss:bosspw@127.0.0.1:${server.port}/shop`;
  agent = await outliving(releases, () => testAgent({ DATABASE_URL: url }));
  const backup = await outliving(releases, () => agent.run(['backup']));
  expect(backup.stderr).toMatch(/stored/);
});
afterAll(async () => {
  await releaseAll(releases);
  await server.stop();
});

const SALES = `
  CREATE TABLE shops (id int PRIMARY KEY);
  INSERT INTO shops VALUES (1);
  CREATE TABLE sales (id int, year int, shop int REFERENCES shops (id), PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
  CREATE INDEX by_shop ON sales (shop);
  CREATE TABLE sales_2025 PARTITION OF sales FOR VALUES FROM (2025) TO (2026);
  CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM (2026) TO (2027);
  CREATE TABLE sales_more PARTITION OF sales DEFAULT;
  INSERT INTO sales VALUES (1, 2025, 1), (2, 2026, 1), (3, 2026, 1), (4, 2030, 1);`;

const SCHEMAS: Record<string, string> = {
  alone: SALES,
  dropped: SALES,
  unfit: `${SALES} CREATE TABLE archive (id int NOT NULL, year int NOT NULL, shop int) PARTITION BY RANGE (year)`,
  parent: SALES,
  inherits: `CREATE TABLE places (id int PRIMARY KEY, name text); CREATE TABLE towns (people int) INHERITS (places);
    INSERT INTO towns VALUES (1, 'Here', 7)`,
  published: `
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, secret text);
    CREATE TABLE orders (id int PRIMARY KEY, number int NOT NULL);
    CREATE UNIQUE INDEX by_number ON orders (number);
    ALTER TABLE orders REPLICA IDENTITY USING INDEX by_number;
    CREATE TABLE visits (at int);
    ALTER TABLE visits REPLICA IDENTITY FULL;
    CREATE PUBLICATION cdc FOR TABLE customers (id, name) WHERE (id > 5 AND name <> 'x'), orders, visits;
    CREATE PUBLICATION "All of it" FOR ALL TABLES WITH (publish = 'insert');
    CREATE PUBLICATION later FOR TABLE orders`,
  replicated: 'CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1)',
  held: `CREATE TABLE customers (id int PRIMARY KEY); CREATE TABLE orders (id int REFERENCES customers);
    INSERT INTO customers VALUES (1); INSERT INTO orders VALUES (1)`,
  rights: `
    ALTER DEFAULT PRIVILEGES IN SCHEMA rights GRANT SELECT ON TABLES TO reader;
    ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO writer WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO writer;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    CREATE TABLE secrets (id serial PRIMARY KEY, word text);
    INSERT INTO secrets (word) VALUES ('sesame');
    REVOKE ALL ON secrets, secrets_id_seq FROM reader, writer;
    CREATE TABLE notes (id int PRIMARY KEY);
    REVOKE ALL ON notes FROM writer`,
};

function inSchema(schema: string) {
  const sql = (text: string) => server.sql(`SET search_path = ${schema}; ${text}`, 'shop');
  return {
    sql,
    one: async (text: string) => Object.values((await sql(text))[0] ?? {})[0],
    restore: (tables: string[], ...more: string[]) => {
      const names = tables.map((table) => `${schema}.${table}`).join(',');
      return agent.run(['restore', 'shop', '--tables', names, '--yes', '--no-restore-point', ...more]);
    },
  };
}

const PARTITIONS = `SELECT string_agg(inhparent::regclass || ' ' || inhrelid::regclass || ' ' || pg_get_expr(relpartbound, c.oid), ', ' ORDER BY relname)
  FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`;

test('a partition alone → stays one of its parent, with the bounds, keys and indexes that it has there', async () => {
  const { sql, one, restore } = inSchema('alone');
  await sql('DELETE FROM sales_2026 WHERE id = 2; DELETE FROM sales_more');
  const before = await one(PARTITIONS);
  const { code, stderr } = await restore(['sales_2026', 'sales_more']);
  expect(stderr).toMatch(/: 2 tables, 3 rows; everything else is as it was/);
  expect(code).toBe(0);
  expect(await one(PARTITIONS)).toBe(before);
  expect(await one('SELECT count(*)::int FROM sales')).toBe(4);
  await expect(sql('INSERT INTO sales VALUES (3, 2026, 1)')).rejects.toThrow(/duplicate/);
  await expect(sql('INSERT INTO sales VALUES (9, 2026, 9)')).rejects.toThrow(/foreign key/);
  const indexes = `SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'by_shop'::regclass`;
  expect(await one(indexes)).toBe(3);
});

test('a partition that was dropped → is one again; one that was detached stays by itself, and it is said', async () => {
  const { sql, one, restore } = inSchema('dropped');
  await sql('DROP TABLE sales_2026; ALTER TABLE sales DETACH PARTITION sales_2025');
  const { code, stderr } = await restore(['sales_2025', 'sales_2026']);
  expect(stderr).toMatch(
    /dropped\.sales_2025 is no partition, as before; in the backup it is one of dropped\.sales/,
  );
  expect(code).toBe(0);
  expect(await one(PARTITIONS)).toBe(
    'sales sales_2026 FOR VALUES FROM (2026) TO (2027), sales sales_more DEFAULT',
  );
});

test('a partition whose rows fit no more, or that has two parents → nothing is changed, and it is named', async () => {
  const { sql, one, restore } = inSchema('unfit');
  await sql(`ALTER TABLE sales DETACH PARTITION sales_2026; DELETE FROM sales_2026;
    ALTER TABLE sales ATTACH PARTITION sales_2026 FOR VALUES FROM (2027) TO (2028)`);
  const unfit = await restore(['sales_2026']);
  expect(unfit.stderr).toMatch(
    /cannot keep unfit\.sales_2026 as a partition of unfit\.sales in shop: .*violated by some row; nothing was changed/,
  );
  expect(unfit.code).toBe(1);
  expect(await one('SELECT count(*)::int FROM sales_2026')).toBe(0);
  await sql('ALTER TABLE sales DETACH PARTITION sales_2026; DROP INDEX sales_2026_shop_idx');
  await sql('ALTER TABLE archive ATTACH PARTITION sales_2026 DEFAULT');
  const { code, stderr } = await restore(['sales']);
  expect(stderr).toMatch(
    /unfit\.sales_2026 is a partition of unfit\.archive now, and of unfit\.sales in the backup/,
  );
  expect(code).toBe(1);
});

test('the parent → comes back with all its partitions; one that came later goes with it, and is named', async () => {
  const { sql, one, restore } = inSchema('parent');
  const before = await one(PARTITIONS);
  await sql(`DELETE FROM sales; ALTER TABLE sales DETACH PARTITION sales_2025; DROP TABLE sales_more;
    CREATE TABLE sales_2027 PARTITION OF sales FOR VALUES FROM (2027) TO (2028)`);
  const { code, stderr } = await restore(['sales']);
  expect(stderr).toMatch(
    /: 3 tables, 4 rows; .*partitions that the backup does not have went with their parents: parent\.sales_2027/,
  );
  expect(code).toBe(0);
  expect(await one(PARTITIONS)).toBe(before);
  expect(await one('SELECT count(*)::int FROM sales')).toBe(4);
});

test('a child of a table → stays its child; the parent alone is refused, and what depends on it is named', async () => {
  const { sql, one, restore } = inSchema('inherits');
  await sql('DELETE FROM towns');
  expect((await restore(['towns'])).code).toBe(0);
  expect(await one('SELECT count(*)::int FROM places')).toBe(1);
  const { code, stderr } = await restore(['places']);
  expect(stderr).toMatch(
    /cannot drop inherits\.places in shop: .*table inherits\.towns depends on table inherits\.places\); nothing was changed/,
  );
  expect(code).toBe(1);
});

test('rights that were taken away → are not given back by default privileges, which stay what they are', async () => {
  const { sql, one, restore } = inSchema('rights');
  const rights = () =>
    sql(`SELECT r, t, string_agg(p, ' ' ORDER BY p) AS may FROM unnest('{reader,writer}'::text[]) r, unnest('{secrets,notes}'::text[]) t,
      unnest('{SELECT,INSERT}'::text[]) p WHERE has_table_privilege(r, t, p) GROUP BY 1, 2 ORDER BY 1, 2`);
  const defaults = () =>
    sql(
      'SELECT defaclnamespace, defaclobjtype, array_agg(a::text ORDER BY a::text) AS rights FROM pg_default_acl, unnest(defaclacl) a GROUP BY 1, 2 ORDER BY 1, 2',
    );
  const before = [await rights(), await defaults()];
  expect(before[0]).toEqual([{ r: 'reader', t: 'notes', may: 'SELECT' }]);
  expect((await restore(['secrets', 'notes'])).code).toBe(0);
  expect([await rights(), await defaults()]).toEqual(before);
  expect(await one(`SELECT has_sequence_privilege('writer', 'secrets_id_seq', 'USAGE')`)).toBe(false);
  // Without the backup's rights it is a new table here, as any other.
  expect((await restore(['secrets'], '--no-owner')).code).toBe(0);
  expect(await rights()).toContainEqual({ r: 'reader', t: 'secrets', may: 'SELECT' });
});

test('tables in publications → stay there with their columns and conditions, and keep how changed rows are named', async () => {
  const { sql, restore } = inSchema('published');
  const state = () =>
    sql(`SELECT pubname, tablename, attnames::text, rowfilter, c.relreplident, (SELECT string_agg(indexrelid::regclass::text, ' ')
      FROM pg_index WHERE indrelid = c.oid AND indisreplident) AS by
      FROM pg_publication_tables JOIN pg_class c ON c.relname = tablename AND c.relnamespace = schemaname::regnamespace
      WHERE schemaname = 'published' ORDER BY 1, 2`);
  const before = await state();
  expect(before).toHaveLength(7);
  expect((await restore(['customers', 'orders', 'visits'])).code).toBe(0);
  expect(await state()).toEqual(before);
  await sql('DROP PUBLICATION later; DROP TABLE customers');
  expect((await restore(['customers', 'orders'])).code).toBe(0);
  expect(await state()).toEqual(before.filter(({ pubname }) => pubname !== 'later'));
});

test('a table that cannot go back into its publication, or that a subscription fills → nothing is changed, and it is named', async () => {
  const { sql, one, restore } = inSchema('replicated');
  await sql(
    'DELETE FROM customers; ALTER TABLE customers ADD mail text; CREATE PUBLICATION mails FOR TABLE customers (id, mail)',
  );
  const lost = await restore(['customers']);
  expect(lost.stderr).toMatch(
    /cannot keep replicated\.customers in the publication mails in shop: .*mail.*; nothing was changed/,
  );
  expect(lost.code).toBe(1);
  await sql('DROP PUBLICATION mails');
  await sql(
    `CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false)`,
  );
  await sql(
    `INSERT INTO pg_subscription_rel SELECT oid, 'customers'::regclass, 'r', NULL FROM pg_subscription`,
  );
  const { code, stderr } = await restore(['customers']);
  await sql('ALTER SUBSCRIPTION feed SET (slot_name = NONE)');
  await sql('DROP SUBSCRIPTION feed');
  expect(stderr).toMatch(
    /replicated\.customers is filled by the subscription feed.*nothing was changed[\s\S]*--to/,
  );
  expect(code).toBe(1);
  expect(await one('SELECT count(*)::int FROM customers')).toBe(0);
});

test('somebody holds the table, or one that it refers to → it gives up after some seconds, and readers wait no longer', async () => {
  const { sql, one, restore } = inSchema('held');
  await sql('DELETE FROM orders; ALTER TABLE orders DROP CONSTRAINT orders_id_fkey');
  const other = new pg.Client({
    ...{ host: '127.0.0.1', port: server.port, user: 'boss', password: 'bosspw' },
    database: 'shop',
  });
  await other.connect();
  try {
    await other.query('BEGIN; SELECT FROM held.orders');
    const held = await restore(['orders']);
    expect(held.stderr).toMatch(/lock timeout; nothing was changed[\s\S]*for 10s without a pause: stop what/);
    expect(held.code).toBe(1);
    await other.query('ROLLBACK; BEGIN; INSERT INTO held.customers VALUES (2)');
    const { code, stderr } = await restore(['orders']);
    expect(stderr).toMatch(/lock timeout[\s\S]*Somebody uses a table that it needs/);
    expect(code).toBe(1);
  } finally {
    await other.end();
  }
  expect(await one('SELECT count(*)::int FROM orders')).toBe(0);
  expect((await restore(['orders'])).code).toBe(0);
});
