import type { TestServer } from './server.ts';
import type { Shop } from './shop.ts';

let number = 0;

/**
 * A new database on the server with a table of so many rows, two small ones and a view, and a role for the agent. pg_dump
 * asks for rows in the order of names, so that after `orders` it still has a question for the server.
 */
export async function createPostgresShop(
  server: TestServer,
  rows: number,
  port = server.port,
): Promise<Shop> {
  number += 1;
  const database = `shop${number}`;
  const user = `keeper${number}`;
  await server.sql(
    `CREATE ROLE ${user} LOGIN PASSWORD 'keeper-secret' BYPASSRLS CREATEDB; GRANT pg_read_all_data TO ${user}`,
  );
  await server.sql(`CREATE DATABASE ${database}`);
  await server.sql(
    `CREATE TABLE orders (id serial PRIMARY KEY, name text NOT NULL, note text);
     INSERT INTO orders (name, note) SELECT 'Zoë ' || n, repeat(md5(n::text), 5) FROM generate_series(1, ${rows}) n;
     CREATE TABLE customers (id int PRIMARY KEY, name text);
     INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob');
     CREATE TABLE visits (at timestamptz); INSERT INTO visits VALUES (now());
     CREATE VIEW totals AS SELECT count(*) AS number FROM orders;`,
    database,
  );
  return {
    database,
    user,
    environment: { DATABASE_URL: `postgresql://${user}:keeper-secret@127.0.0.1:${port}/${database}` },
  };
}
