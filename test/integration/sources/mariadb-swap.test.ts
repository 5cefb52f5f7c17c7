import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { withMysqlSession, type MysqlSession } from '../../../agent/sources/mysql/session.ts';
import type { Connect } from '../../../agent/sources/mysql/swap/hold-writers.ts';
import { swapTables } from '../../../agent/sources/mysql/swap/swap.ts';
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
  server = await startMariadb(['--event-scheduler=ON']);
  subject = mariadbSubject(server);
});
afterAll(() => server.stop());

const never = new AbortController().signal;
let number = 0;

interface Prepared {
  source: Source;
  target: string;
  fresh: string;
  keep: string;
  /** What the dump holds, and what the target held when it was spoiled. */
  dumped: string;
  spoiled: string;
  plan: SwapPlan;
}

/** A database with everything that is odd, spoiled since its dump, which is loaded beside it. */
async function prepared(): Promise<Prepared> {
  number += 1;
  const [target, fresh, keep] = [
    `swap${number}`,
    `holdfast_scratch_${number}_restore`,
    `swap${number}_before_20261101_150000`,
  ];
  await subject.createNasty(target);
  const source = subject.source(target);
  const dumped = await subject.fingerprint(target);
  const { bytes } = await readDump(
    source
      .parts(await source.probe(never))
      .at(-1)!
      .open(never),
  );
  await subject.sql(SPOIL, target);
  const spoiled = await subject.fingerprint(target);
  await source.createDatabase(fresh, never);
  const loaded = await source.restoreInto(fresh, streamOf(bytes), never, { owners: 'keep' });
  const plan = await source.planSwap({ fresh, keep, loaded }, never);
  onTestFinished(async () => {
    for (const database of [target, fresh, keep]) await subject.dropDatabase(database);
  });
  return { source, target, fresh, keep, dumped, spoiled, plan };
}

const SPOIL = `
  SET foreign_key_checks = 0; DELETE FROM orders; DROP TABLE nothing; CREATE TABLE since (id int PRIMARY KEY);
  CREATE TRIGGER since_then BEFORE INSERT ON since FOR EACH ROW SET NEW.id = NEW.id + 1;
  DROP VIEW \`second view\`; CREATE VIEW \`nothing\` AS SELECT 1 AS one; CREATE VIEW later_view AS SELECT id FROM since;
  DROP FUNCTION double_it; CREATE FUNCTION double_it(a int) RETURNS int DETERMINISTIC RETURN a * 3;
  CREATE PROCEDURE since_too() SELECT 1; DROP EVENT off_duty; ALTER EVENT nightly DISABLE;
`;

/** Ends with the test. */
async function openConnection(database: string): Promise<Connection> {
  const { host, port, admin } = server;
  const connection = await createConnection({ host, port, ...admin, database });
  onTestFinished(() => connection.end());
  return connection;
}

const databases = async () =>
  (await server.sql('SHOW DATABASES')).map((row) => String(Object.values(row)[0]));

const keysOf = async (database: string) =>
  (
    await server.sql(
      `SELECT DISTINCT unique_constraint_schema AS target FROM information_schema.referential_constraints WHERE constraint_schema = '${database}'`,
    )
  ).map(({ target }) => target);

const statesOfEvents = (database: string) =>
  server.sql(
    `SELECT event_name AS name, status FROM information_schema.events WHERE event_schema = '${database}' ORDER BY 1`,
  );

/** Whether foreign keys hold, counters go on, fulltext finds and triggers fire. */
async function expectAlive({ target }: Prepared): Promise<void> {
  await expect(server.sql('INSERT INTO orders (id, customer) VALUES (9, 77)', target)).rejects.toThrow(
    /foreign key/i,
  );
  await server.sql('INSERT INTO orders (id, customer) VALUES (9, 1)', target);
  expect(await server.sql("SELECT what FROM log WHERE what = 'order 9'", target)).toHaveLength(1);
  await server.sql("INSERT INTO Customer (name) VALUES ('fulltext needle')", target);
  expect(await server.sql("SELECT id FROM Customer WHERE MATCH (name) AGAINST ('needle')", target)).toEqual([
    { id: 4 },
  ]);
  expect(await server.sql('SELECT NEXTVAL(numbers) AS n', target)).toHaveLength(1);
  expect(await server.sql('SELECT d FROM `second view` ORDER BY d LIMIT 1', target)).toEqual([{ d: 2 }]);
}

describe('a swap of MariaDB', () => {
  test('the new tables, views, routines, triggers and events are in place; the old ones are in the kept database, foreign keys and all', async () => {
    const now = await prepared();
    const { source, target, fresh, keep, plan } = now;
    expect(await source.swapHurdle(keep, never)).toBeNull();
    expect(await source.swapIn(plan, never)).toEqual([]);
    expect(await subject.fingerprint(target)).toBe(now.dumped);
    expect(await subject.fingerprint(keep)).toBe(now.spoiled);
    expect(await databases()).not.toContain(fresh);
    expect(await keysOf(target)).toEqual([target]);
    expect(await keysOf(keep)).toEqual([keep]);
    expect(await statesOfEvents(target)).toEqual([
      { name: 'nightly', status: 'ENABLED' },
      { name: 'off_duty', status: 'DISABLED' },
    ]);
    expect(await statesOfEvents(keep)).toEqual([{ name: 'nightly', status: 'DISABLED' }]);
    await expectAlive(now);
  });

  test('views, routines and their rights that are what the dump has → not touched', async () => {
    const { source, target, plan } = await prepared();
    await server.sql(
      `CREATE OR REPLACE USER teller@'%'; GRANT EXECUTE ON PROCEDURE ${target}.\`Many lines\` TO teller@'%'`,
    );
    const stamp = async () =>
      (
        await server.sql(
          `SELECT created, last_altered FROM information_schema.routines WHERE routine_schema = '${target}' AND routine_name = 'Many lines'`,
        )
      )[0];
    const before = await stamp();
    await source.swapIn(plan, never);
    expect(await stamp()).toEqual(before);
    expect(JSON.stringify(await server.sql("SHOW GRANTS FOR teller@'%'"))).toContain('many lines');
  });

  test('cut off before the tables were renamed → undone: triggers are back, nothing is kept', async () => {
    const { source, target, keep, spoiled, plan } = await prepared();
    await server.sql(`CREATE DATABASE ${keep}; DROP TRIGGER since_then; DROP VIEW nothing`, target);
    expect(await source.settleSwap(plan, never)).toBe('undone');
    expect(await subject.fingerprint(target)).toBe(spoiled);
    expect(await databases()).not.toContain(keep);
    expect(await source.settleSwap(plan, never)).toBe('undone');
  });

  test('cut off right after → ended: views, routines, triggers and events come, and asking again changes nothing', async () => {
    const now = await prepared();
    const { source, target, fresh, keep, plan } = now;
    const tables = async (database: string) =>
      (await server.sql(`SHOW FULL TABLES FROM ${database} WHERE Table_type <> 'VIEW'`)).map((row) =>
        subject.quote(String(Object.values(row)[0])),
      );
    await server.sql(`CREATE DATABASE ${keep}`);
    for (const [database, names] of [
      [target, ['since_then', 'before', 'second']],
      [fresh, ['before', 'second']],
    ] as const)
      for (const name of names) await server.sql(`DROP TRIGGER IF EXISTS \`${name}\``, database);
    await server.sql('DROP VIEW nothing', target);
    const out = (await tables(target)).map((name) => `${target}.${name} TO ${keep}.${name}`);
    const back = (await tables(fresh)).map((name) => `${fresh}.${name} TO ${target}.${name}`);
    await server.sql(`RENAME TABLE ${[...out, ...back].join(', ')}`);
    expect(await source.settleSwap(plan, never)).toBe('done');
    expect(await subject.fingerprint(target)).toBe(now.dumped);
    expect(await databases()).not.toContain(fresh);
    expect(await source.settleSwap(plan, never)).toBe('done');
    await expectAlive(now);
  });

  test('a table of the kept name is in the way of the last rename → none is renamed', async () => {
    const { source, target, fresh, keep, spoiled, plan } = await prepared();
    await server.sql(`CREATE TABLE ${fresh}.zzz (id int); CREATE TABLE ${target}.zzz (id int)`);
    const details = JSON.parse(plan.details) as { freshTables: string[] };
    const late = JSON.stringify({ ...details, freshTables: [...details.freshTables, 'zzz'] });
    const broken = { ...plan, details: late };
    await expect(source.swapIn(broken, never)).rejects.toThrow(/zzz.* already exists/);
    expect(await source.settleSwap(broken, never)).toBe('undone');
    await server.sql('DROP TABLE zzz', target);
    expect(await subject.fingerprint(target)).toBe(spoiled);
    expect(await databases()).not.toContain(keep);
  });

  test('somebody holds one of the tables → given up after seconds, which is told, and everything is as it was', async () => {
    const { source, target, spoiled, plan } = await prepared();
    const holder = await openConnection(target);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM log');
    await expect(source.swapIn(plan, never)).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringContaining('somebody kept using one of them') as string,
    });
    await holder.query('COMMIT');
    expect(await source.settleSwap(plan, never)).toBe('undone');
    expect(await subject.fingerprint(target)).toBe(spoiled);
  }, 60_000);

  test('somebody takes a table right when the old triggers are gone → given up, the tables whose new rows met none are told, and the triggers are back', async () => {
    const { source, target, spoiled, plan } = await prepared();
    const holder = await openConnection(target);
    const config = mysqlConfig({ port: server.port, database: target });
    const session = <T>(work: (session: MysqlSession) => Promise<T>) =>
      withMysqlSession(config, { signal: never, caFile: '' }, work);
    // The swap asks for its second connection between the dropping and the renaming.
    const connect: Connect = async (work) => {
      await holder.query('START TRANSACTION');
      await holder.query('SELECT * FROM log');
      return session(work);
    };
    await expect(session((open) => swapTables(open, connect, plan))).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringMatching(
        /somebody kept using .*; rows that were written to .*orders.* in those seconds met no trigger/,
      ) as string,
      hint: expect.stringMatching(/^Stop what is connected .* Look at those rows/) as string,
    });
    await holder.query('COMMIT');
    expect(await source.settleSwap(plan, never)).toBe('undone');
    expect(await subject.fingerprint(target)).toBe(spoiled);
  }, 60_000);

  test('readers and writers meanwhile → never an error, never a mixture, and each new row met its trigger', async () => {
    const { source, target, plan } = await prepared();
    await server.sql('UPDATE log SET what = what; CREATE TABLE IF NOT EXISTS since (id int)', target);
    const seen = new Set<string>();
    const failures: string[] = [];
    let written = 0;
    let over = false;
    const isOver = () => over;
    const connect = () => openConnection(target);
    const read = async () => {
      const connection = await connect();
      while (!isOver()) {
        try {
          // One statement locks both tables before it reads any.
          const [rows] = await connection.query(
            "SELECT CONCAT((SELECT COUNT(*) FROM orders WHERE id < 1000), ' ', (SELECT COUNT(*) FROM `Customer`)) AS n",
          );
          seen.add(String((rows as { n: unknown }[])[0]?.n));
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const write = async () => {
      const connection = await connect();
      for (let id = 1000; !isOver(); id += 1) {
        try {
          await connection.query(`INSERT INTO orders (id, customer) VALUES (${id}, 1)`);
          written += 1;
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const busy = [read(), read(), write()];
    // Both kinds are at work before, and afterwards.
    await until('both are at work', async () => seen.size > 0 && written > 0);
    await source.swapIn(plan, never);
    const since = written;
    await until('both go on with the new tables', async () => seen.size > 1 && written > since + 1);
    over = true;
    await Promise.all(busy);
    expect(failures).toEqual([]);
    expect([...seen].sort()).toEqual(['0 3', '2 3']);
    const [row] = await server.sql(
      "SELECT (SELECT COUNT(*) FROM orders WHERE id >= 1000) AS orders, (SELECT COUNT(*) FROM log WHERE what LIKE 'order ____%') AS logged",
      target,
    );
    expect(row?.['logged']).toBe(row?.['orders']);
  });
});

describe('what keeps a swap from being done', () => {
  const hurdleOf = async (source: Source) => source.swapHurdle('plain_before_20261101_150000', never);

  test('nothing → null; no right on the database to be kept → the GRANT, which mends it', async () => {
    await server.sql(
      "CREATE DATABASE plain; CREATE TABLE plain.t (id int); CREATE OR REPLACE USER keeper@'%' IDENTIFIED BY 'k'",
    );
    onTestFinished(() => subject.dropDatabase('plain'));
    const source = subject.source('plain', { user: 'keeper', password: 'k' });
    await server.sql("GRANT ALL ON plain.* TO keeper@'%'");
    const hurdle = await hurdleOf(source);
    expect(hurdle?.detail).toContain('plain_before_20261101_150000');
    expect(hurdle?.mend).toContain('GRANT ALL PRIVILEGES ON `plain\\_before\\_%`.* TO');
    await server.sql(/GRANT .*;/.exec(hurdle!.mend)![0]);
    expect(await hurdleOf(source)).toBeNull();
    await server.sql("REVOKE TRIGGER ON plain.* FROM keeper@'%'");
    expect((await hurdleOf(source))?.detail).toMatch(/lacks TRIGGER on plain/);
  });

  test('a foreign key from another database → named, whether that may be seen or not', async () => {
    await server.sql(
      `CREATE DATABASE plain; CREATE TABLE plain.t (id int PRIMARY KEY); CREATE DATABASE other;
       CREATE TABLE other.child (id int, FOREIGN KEY (id) REFERENCES plain.t (id));
       CREATE OR REPLACE USER keeper@'%' IDENTIFIED BY 'k'; GRANT ALL ON \`plain%\`.* TO keeper@'%'; GRANT PROCESS ON *.* TO keeper@'%'`,
    );
    onTestFinished(async () => {
      for (const name of ['other', 'plain']) await subject.dropDatabase(name);
    });
    const told = /a foreign key goes from other.child to plain.t/;
    expect((await hurdleOf(subject.source('plain')))?.detail).toMatch(told);
    expect((await hurdleOf(subject.source('plain', { user: 'keeper', password: 'k' })))?.detail).toMatch(
      told,
    );
  });

  test('a trigger of somebody else, and no right to make it again → told', async () => {
    await server.sql(
      `CREATE DATABASE plain; CREATE TABLE plain.t (id int); CREATE TRIGGER plain.tr BEFORE INSERT ON plain.t FOR EACH ROW SET NEW.id = 1;
       CREATE OR REPLACE USER keeper@'%' IDENTIFIED BY 'k'; GRANT ALL ON \`plain%\`.* TO keeper@'%'`,
    );
    onTestFinished(() => subject.dropDatabase('plain'));
    expect((await hurdleOf(subject.source('plain', { user: 'keeper', password: 'k' })))?.detail).toMatch(
      /trigger tr belongs to root@localhost/,
    );
  });
});
