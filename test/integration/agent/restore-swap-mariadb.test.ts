import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

type ShopAgent = TestAgent & { database: string; user: string };

/** A shop with a good backup, whose user may swap it: a trigger of its own, a view, a routine, a key. */
async function agentWithBackup(rows = 500): Promise<ShopAgent> {
  const { database, user, environment } = await createShop(server, rows);
  await server.sql(
    `GRANT ALL ON ${database}.* TO ${user}@'%'; GRANT ALL ON \`${database}\\_before\\_%\`.* TO ${user}@'%'; GRANT SET USER ON *.* TO ${user}@'%'; USE ${database};
     CREATE TABLE parts (id INT PRIMARY KEY, order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id));
     INSERT INTO parts VALUES (1, 1)`,
  );
  // Tests take most of the rows away, and back up what is left.
  const agent = await testAgent({ ...environment, BACKUP_GUARD: 'off' });
  expect((await agent.run(['backup'])).stderr).toMatch(/stored/);
  return { ...agent, database, user };
}

const orders = async (database: string) =>
  Number((await server.sql('SELECT count(*) AS n FROM orders', database))[0]?.['n']);

/** Names and definitions of what is no table. */
const programs = (database: string) =>
  server.sql(
    `SELECT trigger_name AS name, action_statement AS text FROM information_schema.triggers WHERE trigger_schema = '${database}'
     UNION ALL SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = '${database}'
     UNION ALL SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = '${database}' ORDER BY name`,
  );

const databases = async () =>
  (await server.sql('SHOW DATABASES')).map((row) => String(Object.values(row)[0]));

const keptBeside = async (database: string) =>
  (await databases()).filter((name) => name.startsWith(`${database}_before_`));

const leftovers = async () => (await databases()).filter((name) => name.startsWith('holdfast_scratch'));

/** Afterwards there are 7 orders. */
const SPOILED = 'DELETE FROM parts; DELETE FROM orders WHERE id > 7; DELETE FROM customers WHERE id > 1';

describe('a restore of MariaDB over the database itself', () => {
  test('swaps new tables in: the rows are back, the old ones stay in a dated database until --drop-old', async () => {
    const { database, ...agent } = await agentWithBackup();
    const before = await programs(database);
    await server.sql(`${SPOILED}; CREATE TABLE since (id int)`, database);
    const plan = await agent.run(['restore', database, '--dry-run']);
    expect(plan.stderr).toMatch(
      /nothing was changed; would restore .*first a restore point.*swapped in; the old one is kept as shop\d+_before_/,
    );
    expect(await orders(database)).toBe(7);

    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(/restored [0-9a-f]{8} of .* into shop\d+: 3 tables/);
    expect(code).toBe(0);
    expect(await orders(database)).toBe(500);
    expect(await programs(database)).toEqual(before);
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

  test('no right on the database to be kept → refused before anything with the GRANT, in a dry run too; with --in-place emptied and loaded', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(SPOILED, database);
    await server.sql(`REVOKE ALL ON \`${database}\\_before\\_%\`.* FROM ${user}@'%'`);
    const told = /GRANT ALL PRIVILEGES ON `shop\d+\\_before\\_%`/;
    const stored = agent.snapshots();
    for (const how of ['--dry-run', '--yes']) {
      const refused = await agent.run(['restore', database, how]);
      expect(refused.stderr).toMatch(
        /could only be emptied and loaded, .*; nothing was changed\nhint: .*add --in-place/,
      );
      expect(refused.stderr).toMatch(told);
      expect(refused.code).toBe(2);
    }
    expect(agent.snapshots()).toEqual(stored);
    expect(await orders(database)).toBe(7);
    const plan = await agent.run(['restore', database, '--dry-run', '--in-place']);
    expect(plan.stderr).toMatch(/is emptied and loaded, and not whole meanwhile/);
    const { code, stderr } = await agent.run(['restore', database, '--yes', '--in-place']);
    expect(stderr).toMatch(/will be emptied and loaded[\s\S]*restore of shop\d+: restored/);
    expect(stderr).toMatch(told);
    expect(code).toBe(3);
    expect(await orders(database)).toBe(500);
    expect(await keptBeside(database)).toEqual([]);
  });

  test('no right to make any other database → the dump cannot be tried, so --in-place is asked for; of tables it is refused before anything with each GRANT', async () => {
    const { database, user, ...agent } = await agentWithBackup();
    await server.sql(SPOILED, database);
    await server.sql(
      `REVOKE ALL ON \`${database}\\_before\\_%\`.* FROM ${user}@'%'; REVOKE ALL ON \`holdfast\\_%\`.* FROM ${user}@'%'`,
    );
    const { code, stderr } = await agent.run(['restore', database, '--yes', '--in-place']);
    expect(stderr).toMatch(/what was there is restore point [0-9a-f]{8}/);
    expect(stderr).toMatch(/warning: .*not loaded beside first and not compared/);
    expect(code).toBe(3);
    expect(await orders(database)).toBe(500);

    const customers = ['restore', database, '--tables', 'customers', '--yes'];
    const untried = await agent.run([...customers, '--in-place']);
    expect(untried.stderr).toMatch(/warning: .*not loaded beside first and not compared/);
    expect(untried.code).toBe(3);
    const stored = agent.snapshots();
    for (const grant of [/GRANT [^;]*_before\\_%[^;]*;/, /GRANT [^;]*`holdfast\\_scratch\\_%[^;]*;/]) {
      const refused = await agent.run(customers);
      expect(refused.stderr).toMatch(
        /customers of shop\d+ could only be dropped and loaded one after another, .* lacks .*; nothing was changed\nhint: .*add --in-place/,
      );
      expect(refused.code).toBe(2);
      await server.sql(grant.exec(refused.stderr)![0]);
    }
    expect(agent.snapshots()).toEqual(stored);
    expect((await agent.run(customers)).code).toBe(0);
  });

  test('a view whose table is gone → a restore point without it, with a warning, and the restore mends it', async () => {
    const { database, ...agent } = await agentWithBackup();
    await server.sql('DROP TABLE parts; DROP TABLE orders', database);
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(stderr).toMatch(/warning: .*the restore point lacks what is damaged: `totals` of shop\d+/);
    expect(stderr).toMatch(/what was there is restore point [0-9a-f]{8}/);
    expect(code).toBe(3);
    expect(await server.sql('SELECT number FROM totals', database)).toEqual([{ number: 500 }]);
    expect((await agent.run(['backup'])).code).toBe(0);
  });
});

describe('a table that draws its numbers from a sequence', () => {
  /** The sequence stands beyond 1000 after three numbers of its cache of 1000: that is what a dump carries. */
  const WITH_SEQUENCE = `CREATE SEQUENCE numbers START WITH 1 CACHE 1000; CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2;
    CREATE TABLE drawn (id INT PRIMARY KEY DEFAULT NEXTVAL(numbers), what TEXT); INSERT INTO drawn (what) VALUES ('a'), ('b'), ('c');
    CREATE TRIGGER exclaimed BEFORE INSERT ON drawn FOR EACH ROW SET NEW.what = CONCAT(NEW.what, '!');
    CREATE VIEW next_number AS SELECT NEXTVAL(numbers) AS n; CREATE VIEW twofold AS SELECT id, twice(id) AS n FROM drawn`;
  const draw = async (database: string) => {
    await server.sql("INSERT INTO drawn (what) VALUES ('new')", database);
    const [row] = await server.sql(
      "SELECT id FROM drawn WHERE what = 'new!' ORDER BY id DESC LIMIT 1",
      database,
    );
    return Number(row?.['id']);
  };

  async function agentWithSequence(): Promise<ShopAgent> {
    const agent = await agentWithBackup(5);
    await server.sql(WITH_SEQUENCE, agent.database);
    const { code, stderr } = await agent.run(['backup']);
    expect(code, stderr).toBe(0);
    return agent;
  }

  test('verified → proved; into a new database → draws from its own, also through a view, and the original is left alone', async () => {
    const { database, user, ...agent } = await agentWithSequence();
    expect((await agent.run(['verify'])).stderr).toMatch(/equal to the source; proved$/m);
    const copy = `${database}_copy`;
    await server.sql(`GRANT ALL ON ${copy}.* TO ${user}@'%'`);
    const { code, stderr } = await agent.run(['restore', database, '--to', copy]);
    expect(stderr).toMatch(/equal to the source/);
    expect(code).toBe(0);
    expect(await draw(copy)).toBe(1001);
    expect(await server.sql('SELECT n FROM next_number', copy)).toEqual([{ n: 1002 }]);
    expect(await draw(database)).toBe(4);
    await server.sql(`CREATE OR REPLACE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN 0`, database);
    expect(await server.sql('SELECT MAX(n) AS n FROM twofold', copy)).toEqual([{ n: 2002 }]);
    await server.sql(`DROP DATABASE ${copy}`);
  });

  test.each([
    ['is there still', ''],
    ['is gone, and the table still draws from it', 'DROP SEQUENCE numbers'],
  ])(
    'restored over itself, where the sequence %s → draws from the restored one, and so does the view',
    async (_, spoil) => {
      const { database, ...agent } = await agentWithSequence();
      await server.sql(`DELETE FROM drawn; ${spoil}`, database);
      const { code, stderr } = await agent.run(['restore', database, '--yes', '--no-restore-point']);
      expect(stderr).toMatch(/swapped|the old one is/);
      expect(code, stderr).toBe(spoil === '' ? 0 : 3);
      expect(await draw(database)).toBe(1001);
      expect(await server.sql('SELECT n FROM next_number', database)).toEqual([{ n: 1002 }]);
      const [kept] = await keptBeside(database);
      const drawsFrom = async (name: string) =>
        Object.values((await server.sql('SHOW CREATE TABLE drawn', name))[0]!).join('');
      expect(await drawsFrom(database)).toContain(`DEFAULT nextval(\`${database}\`.\`numbers\`)`);
      if (spoil === '') {
        expect(await drawsFrom(kept!)).toContain(`DEFAULT nextval(\`${kept}\`.\`numbers\`)`);
        expect(await draw(kept!)).toBe(1001);
        expect(await draw(database)).toBe(1003);
      } else expect(stderr).toMatch(/defaults in .* may draw from sequences of/);
    },
  );

  test('restored where the database is gone → draws from its own', async () => {
    const { database, ...agent } = await agentWithSequence();
    await server.sql(`DROP DATABASE ${database}`);
    const { code, stderr } = await agent.run(['restore', database, '--yes']);
    expect(code, stderr).toBe(0);
    expect(await draw(database)).toBe(1001);
  });
});
