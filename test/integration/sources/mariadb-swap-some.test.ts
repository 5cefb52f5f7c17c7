import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { withMysqlSession } from '../../../agent/sources/mysql/session.ts';
import { tiedToKept } from '../../../agent/sources/mysql/swap/tie.ts';
import type { Source, SwapPlan } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { mysqlConfig, readDump, streamOf } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
let subject: SourceSubject;
beforeAll(async () => {
  server = await startMariadb();
  subject = mariadbSubject(server);
});
afterAll(() => server.stop());

const never = new AbortController().signal;
const CHOSEN = ['lines', 'orders'];
let number = 0;

/** `orders` and its `lines` are chosen: one refers to `customers`, which stays, to itself and to another database. */
const SHOP = `
  CREATE TABLE customers (region int, id int, name varchar(20), PRIMARY KEY (region, id));
  CREATE TABLE log (what varchar(40));
  CREATE TABLE orders (id int PRIMARY KEY, region int, \`odd (\`\`) name\` int, earlier int, good int,
    CONSTRAINT \`who, (\`\`) and where\` FOREIGN KEY (region, \`odd (\`\`) name\`) REFERENCES customers (region, id) ON DELETE CASCADE ON UPDATE SET NULL,
    FOREIGN KEY (earlier) REFERENCES orders (id), FOREIGN KEY (good) REFERENCES elsewhere.goods (id));
  CREATE TABLE \`lines\` (id int PRIMARY KEY, order_id int, FOREIGN KEY (order_id) REFERENCES orders (id));
  CREATE TRIGGER logged AFTER INSERT ON orders FOR EACH ROW INSERT INTO log VALUES (CONCAT('order ', NEW.id));
  CREATE VIEW counted AS SELECT COUNT(*) AS n FROM orders;
  INSERT INTO customers VALUES (1, 1, 'Ada'), (1, 2, 'Bob');
  INSERT INTO orders VALUES (1, 1, 1, NULL, 1), (2, 1, 2, 1, NULL); INSERT INTO \`lines\` VALUES (1, 1), (2, 2)`;
/** Since the dump; what is made here stays. */
const SPOIL = `
  DELETE FROM \`lines\`; DELETE FROM orders WHERE id = 2; DROP TRIGGER logged; CREATE TRIGGER other BEFORE INSERT ON orders FOR EACH ROW SET NEW.earlier = NULL;
  INSERT INTO customers VALUES (1, 3, 'Eve'); CREATE TABLE since (id int);
  CREATE TRIGGER stays BEFORE INSERT ON since FOR EACH ROW SET NEW.id = 7; CREATE FUNCTION later() RETURNS int RETURN 1`;

interface Prepared {
  source: Source;
  target: string;
  fresh: string;
  keep: string;
  plan: SwapPlan;
}

async function prepared(spoil = SPOIL): Promise<Prepared> {
  number += 1;
  const [target, fresh] = [`some${number}`, `holdfast_scratch_${number}_restore`];
  const keep = `${target}_before_20261101_150000`;
  await server.sql(
    `CREATE DATABASE IF NOT EXISTS elsewhere; CREATE TABLE IF NOT EXISTS elsewhere.goods (id int PRIMARY KEY);
     REPLACE INTO elsewhere.goods VALUES (1); CREATE DATABASE ${target}`,
  );
  await server.sql(SHOP, target);
  const source = subject.source(target);
  const dump = source.parts(await source.probe(never)).at(-1)!;
  const { bytes } = await readDump(dump.open(never));
  await server.sql(spoil, target);
  expect(await source.swapHurdle(keep, never, CHOSEN)).toBeNull();
  await source.createDatabase(fresh, never);
  const options = { owners: 'keep', tables: CHOSEN } as const;
  const loaded = await source.restoreInto(fresh, streamOf(bytes), never, options);
  const plan = await source.planSwap({ fresh, keep, loaded, ofSome: true }, never);
  onTestFinished(async () => {
    for (const database of [target, fresh, keep]) await subject.dropDatabase(database);
  });
  return { source, target, fresh, keep, plan };
}

const one = async (sql: string, database: string) =>
  Object.values((await server.sql(sql, database))[0] ?? {})[0];

const triggers = async (database: string) =>
  (
    await server.sql(
      `SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = '${database}' ORDER BY 1`,
    )
  ).map(({ name }) => name);

/** Each foreign key of a database, and the table that it points to. */
const keysOf = async (database: string) =>
  (
    await server.sql(
      `SELECT DISTINCT table_name AS child, CONCAT(referenced_table_schema, '.', referenced_table_name) AS parent
        FROM information_schema.key_column_usage WHERE table_schema = '${database}' AND referenced_table_name IS NOT NULL ORDER BY 1, 2`,
    )
  ).map(({ child, parent }) => `${String(child)} to ${String(parent)}`);

const inOrder = (database: string) => [
  `lines to ${database}.orders`,
  'orders to elsewhere.goods',
  `orders to ${database}.customers`,
  `orders to ${database}.orders`,
];

async function expectSwapped({ target, fresh, keep }: Prepared): Promise<void> {
  expect(await one('SELECT COUNT(*) FROM orders', target)).toBe(2);
  expect(await one('SELECT n FROM counted', target)).toBe(2);
  expect(await one('SELECT COUNT(*) FROM customers', target)).toBe(3);
  expect(await one('SELECT later()', target)).toBe(1);
  expect(await triggers(target)).toEqual(['logged', 'stays']);
  expect(await keysOf(target)).toEqual(inOrder(target));
  expect(await one('SELECT COUNT(*) FROM orders', keep)).toBe(1);
  expect(await triggers(keep)).toEqual(['other']);
  expect(await keysOf(keep)).toEqual([`lines to ${keep}.orders`, `orders to ${keep}.orders`]);
  expect(await server.sql(`SHOW DATABASES LIKE '${fresh}'`)).toEqual([]);
  // The actions of the key are those of the dump, and the old row does not hold its parent.
  await server.sql('DELETE FROM `lines`; DELETE FROM orders WHERE id = 2; DELETE FROM customers', target);
  expect(await one('SELECT COUNT(*) FROM orders', target)).toBe(0);
  expect(await one('SELECT COUNT(*) FROM orders', keep)).toBe(1);
}

async function expectAsBefore({ target, keep }: Prepared): Promise<void> {
  expect(await one('SELECT COUNT(*) FROM orders', target)).toBe(1);
  expect(await triggers(target)).toEqual(['other', 'stays']);
  expect(await keysOf(target)).toEqual(inOrder(target));
  expect(await server.sql(`SHOW DATABASES LIKE '${keep}'`)).toEqual([]);
}

describe('a swap of some tables of MariaDB', () => {
  test('they are in place with their triggers and keys, the old ones are kept and hold on to nothing, and everything else is as it was', async () => {
    const now = await prepared();
    expect(await now.source.swapIn(now.plan, never)).toEqual([]);
    await expectSwapped(now);
    expect(await now.source.settleSwap(now.plan, never)).toBe('done');
  });

  test('none of them was there any more → nothing is kept, and no empty database stays', async () => {
    const now = await prepared('DROP TABLE `lines`, orders');
    const { source, target, keep, plan } = now;
    expect(await source.swapIn(plan, never)).toEqual([]);
    expect(await keysOf(target)).toEqual(inOrder(target));
    expect(await server.sql(`SHOW DATABASES LIKE '${keep}'`)).toEqual([]);
    expect(await source.settleSwap(plan, never)).toBe('done');
  });

  test('a kept table is in use as it is to let go of what stays → settling it says so, with the statement, until it is done', async () => {
    const now = await prepared();
    const { source, target, keep, plan } = now;
    await source.swapIn(plan, never);
    const again = 'ADD CONSTRAINT again FOREIGN KEY (id) REFERENCES elsewhere.goods (id)';
    await server.sql(`SET foreign_key_checks = 0; ALTER TABLE \`lines\` ${again}`, keep);
    const { host, port, admin } = server;
    const holder = await createConnection({ host, port, ...admin, database: keep });
    try {
      await holder.query('START TRANSACTION');
      await holder.query('SELECT * FROM `lines`');
      await expect(source.settleSwap(plan, never)).rejects.toThrow(
        `${target} has what was restored, and ${keep}.lines still has a foreign key to elsewhere.goods (Lock wait timeout exceeded`,
      );
    } finally {
      await holder.end();
    }
    expect(await source.settleSwap(plan, never)).toBe('done');
    expect(await keysOf(keep)).toEqual([`lines to ${keep}.orders`, `orders to ${keep}.orders`]);
  });

  test('somebody makes a key to a table as it is swapped → it leads to the old one, and is told with what mends it', async () => {
    const now = await prepared();
    const { source, target, keep, plan } = now;
    await source.swapIn(plan, never);
    await server.sql(
      `CREATE TABLE boxes (id int, CONSTRAINT of_order FOREIGN KEY (id) REFERENCES ${keep}.orders (id))`,
      target,
    );
    const told = await withMysqlSession(
      mysqlConfig({ port: server.port, database: target }),
      { signal: never, caFile: '' },
      (session) => tiedToKept(session, keep),
    );
    const table = `\`${target}\`.\`boxes\``;
    expect(told).toEqual([
      `a foreign key that was made meanwhile goes from ${table} to the old table, ${keep}.orders: drop it (ALTER TABLE ${table} DROP FOREIGN KEY \`of_order\`;) and make it anew`,
    ]);
    await server.sql(`ALTER TABLE boxes DROP FOREIGN KEY of_order`, target);
  });

  test('cut off when keys point into the target and nothing is renamed → undone, and what is beside can be dropped', async () => {
    const now = await prepared();
    const { source, target, fresh, keep, plan } = now;
    await server.sql(
      `CREATE DATABASE ${keep}; DROP TRIGGER other; SET foreign_key_checks = 0;
       ALTER TABLE ${fresh}.orders DROP FOREIGN KEY \`who, (\`\`) and where\`;
       ALTER TABLE ${fresh}.orders ADD CONSTRAINT who FOREIGN KEY (region, \`odd (\`\`) name\`) REFERENCES ${target}.customers (region, id)`,
      target,
    );
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await source.dropDatabase(fresh, never);
    await expectAsBefore(now);
  });

  test('cut off right after the renaming → done: triggers are made, and the old ones let go of what stays', async () => {
    const now = await prepared();
    const { source, target, fresh, keep, plan } = now;
    await server.sql(
      `CREATE DATABASE ${keep}; DROP TRIGGER other; DROP TRIGGER ${fresh}.logged; SET foreign_key_checks = 0;
       ALTER TABLE ${fresh}.orders DROP FOREIGN KEY \`who, (\`\`) and where\`;
       ALTER TABLE ${fresh}.orders ADD CONSTRAINT \`who, (\`\`) and where\` FOREIGN KEY (region, \`odd (\`\`) name\`) REFERENCES ${target}.customers (region, id) ON DELETE CASCADE ON UPDATE SET NULL;
       RENAME TABLE \`lines\` TO ${keep}.\`lines\`, orders TO ${keep}.orders, ${fresh}.\`lines\` TO \`lines\`, ${fresh}.orders TO orders`,
      target,
    );
    expect(await keysOf(keep)).toContain(`orders to ${target}.customers`);
    expect(await source.settleSwap(plan, never)).toBe('done');
    await expectSwapped(now);
  });

  test('read and written meanwhile → nobody fails, who reads both sees both old or both new, and each row met its trigger', async () => {
    const { source, target, plan } = await prepared();
    const { host, port, admin } = server;
    const seen = new Set<string>();
    const failures: unknown[] = [];
    let [over, written] = [false, 1000];
    const busy = async (work: (ask: (sql: string) => Promise<unknown[]>) => Promise<void>) => {
      const connection = await createConnection({ host, port, ...admin, database: target });
      const ask = async (sql: string) => (await connection.query(sql))[0] as unknown[];
      while (!over) await work(ask).catch((error: unknown) => void failures.push(error));
      await connection.end();
    };
    const read =
      'SELECT (SELECT COUNT(*) FROM orders WHERE id < 100) AS o, (SELECT COUNT(*) FROM `lines`) AS l';
    const all = [
      busy(async (ask) => void seen.add(JSON.stringify(await ask(read)))),
      busy(async (ask) => {
        await ask(`INSERT INTO customers VALUES (2, ${(written += 1)}, 'x')`);
      }),
      // MariaDB was seen to refuse one that waited for its new trigger, once in some seventy swaps: nothing is written then.
      busy(async (ask) => {
        const row = `INSERT INTO orders (id) VALUES (${(written += 1)})`;
        await ask(row).catch((error: unknown) => {
          if (!String(error).includes(`${target}.log' doesn't exist`)) throw error;
        });
      }),
    ];
    await until('they are at work', async () => seen.size > 0 && written > 1010);
    await source.swapIn(plan, never);
    const since = written;
    await until('they go on', async () => seen.size > 1 && written > since + 10);
    over = true;
    await Promise.all(all);
    expect(failures).toEqual([]);
    expect([...seen].sort()).toEqual(['[{"o":1,"l":0}]', '[{"o":2,"l":2}]']);
    expect(await one("SELECT COUNT(*) FROM log WHERE what LIKE 'order ____'", target)).toBe(
      await one('SELECT COUNT(*) FROM orders WHERE id > 1000', target),
    );
  });
});
