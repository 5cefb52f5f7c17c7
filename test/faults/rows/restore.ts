import { expect } from 'vitest';
import type { Ended } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import type { Stage } from '../stage.ts';

const KILLS = 10;
const SPOILED_ORDERS = 7;
const SPOILED = `DELETE FROM parts; DELETE FROM orders WHERE id > ${SPOILED_ORDERS}; DELETE FROM customers WHERE id > 1`;
/** What belongs to a row of another table. */
const PARTS = `CREATE TABLE parts (id INT PRIMARY KEY, order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id));
  INSERT INTO parts VALUES (1, 1)`;

export const restore: Area = {
  title: 'The restore',
  file: import.meta.filename,
  faults: [
    {
      name: 'A restore over the database is killed',
      done: 'SIGKILL at random moments of it; MariaDB: every other time right after the tables were renamed',
      on: [mariadb, postgres],
      times: KILLS,
      asserted:
        'the rows of all tables are the old ones or the new ones, each time; the next command leaves all whole, with nothing beside it',
      stage: { mayRestore: 'by swap' },
      changesStage: true,
      inject: (stage) => killedAgainAndAgain(stage, { chosen: null, last: 'orders', orders: stage.rows }),
    },
    {
      name: 'A restore of some tables is killed',
      done: 'SIGKILL at random moments of it; MariaDB: every other time right after the tables were renamed',
      on: [mariadb, postgres],
      times: KILLS,
      asserted:
        'these are all the old ones or all the new ones, each time, and every other table is as it was; the next command leaves nothing beside',
      stage: { mayRestore: 'by swap' },
      changesStage: true,
      inject: (stage) =>
        killedAgainAndAgain(stage, { chosen: 'customers,parts', last: 'parts', orders: SPOILED_ORDERS }),
    },
    {
      name: 'A restore with --in-place, which empties and loads, is killed',
      done: 'SIGKILL while it loads the rows into the emptied database',
      on: [mariadb],
      times: 1,
      asserted: 'no backup of the rest counts until it is whole again',
      stage: { rows: 30_000, mayRestore: 'in place' },
      changesStage: true,
      inject: async (stage) => {
        const { server, shop, agent, oracle, rows } = stage;
        const args = ['restore', shop.database, '--yes', '--in-place'];
        const loading = `SELECT 1 FROM information_schema.processlist WHERE db = '${shop.database}' AND info LIKE 'INSERT INTO %orders%'`;
        const attempt = () => killedWhen(stage, args, async () => (await server.sql(loading)).length > 0);
        expect((await oracle.died(attempt, { sourceChanges: true })).code, 'killed in time').toBeNull();
        // The server ends the statement that it was at, and the source is read before and after what follows.
        const connected = `SELECT 1 FROM information_schema.processlist WHERE db = '${shop.database}'`;
        await until('nobody loads', async () => (await server.sql(connected)).length === 0);
        const told = /holds the rest of a restore of[\s\S]*holdfast restore .* --yes --in-place/;
        await oracle.alsoAlarms(() => agent.run(['backup']), told);
        // With a warning: it may not be swapped.
        expect((await agent.run(args)).code).toBe(3);
        expect(await orders(stage)).toBe(rows);
      },
    },
  ],
};

/** `chosen`: the tables that are restored, all for null. `last`: one of them, whose rename tells that it is done. `orders`: how many there are then. */
async function killedAgainAndAgain(
  stage: Stage,
  { chosen, last, orders: expected }: { chosen: string | null; last: string; orders: number },
): Promise<void> {
  const { engine, server, shop, agent, oracle } = stage;
  await addParts(stage);
  const whole = await engine.definitions(server, shop.database);
  const tables = chosen === null ? [] : ['--tables', chosen];
  const args = ['restore', shop.database, ...tables, '--yes', '--no-restore-point'];
  const { old, restored, took } = await onceWithout(stage, args);
  expect(await orders(stage)).toBe(expected);
  for (const [kill, moment] of stage.moments(KILLS, took).entries()) {
    await server.sql(SPOILED, shop.database);
    const attempt = () =>
      engine === mariadb && kill % 2 === 1
        ? killedWhenRenamed(stage, args, last)
        : stage.killedAfter(moment, args);
    await oracle.died(attempt, { sourceChanges: true });
    await nobodyAtWork(stage);
    expect([old, restored], `kill ${kill}`).toContainEqual(await contents(stage));
  }
  await agent.run(['restore', shop.database, '--drop-old']);
  expect([old, restored]).toContainEqual(await contents(stage));
  expect(await engine.definitions(server, shop.database)).toEqual(whole);
  const { stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of .*: stored/);
  expect(await beside(stage, /^holdfast_scratch/)).toEqual([]);
  await agent.run(['restore', shop.database, '--drop-old']);
  expect(await keptBeside(stage)).toEqual([]);
}

/** A table that refers to another, and a backup of it all. */
async function addParts({ engine, server, shop, agent }: Stage): Promise<void> {
  const own = engine === postgres ? `; ALTER TABLE parts OWNER TO ${shop.user}` : '';
  await server.sql(`${PARTS}${own}`, shop.database);
  expect((await agent.run(['backup'])).code).toBe(0);
}

/** The spoiled tables, what this restore makes of them when nobody kills it, and how long it took for that. */
async function onceWithout(stage: Stage, args: string[]) {
  await stage.server.sql(SPOILED, stage.shop.database);
  const old = await contents(stage);
  const started = performance.now();
  const { code, stderr } = await stage.agent.run(args);
  const took = performance.now() - started;
  // A warning where owners do not come back.
  expect([0, 3], stderr).toContain(code);
  const restored = await contents(stage);
  expect(restored).not.toEqual(old);
  return { old, restored, took };
}

/** The server ends the statement that the dead agent was at, and lists tables while it renames them. */
async function nobodyAtWork({ engine, server, shop }: Stage): Promise<void> {
  await until('nobody is at work', async () => (await engine.sessions(server, shop)) === 0);
}

function contents({ engine, server, shop }: Stage): Promise<unknown> {
  return engine.contents(server, shop.database);
}

async function killedWhenRenamed(stage: Stage, args: string[], table: string): Promise<Ended> {
  const before = await keptBeside(stage);
  return killedWhen(stage, args, async () => {
    const kept = (await keptBeside(stage)).find((name) => !before.includes(name));
    return (
      kept !== undefined && (await stage.server.sql(`SHOW TABLES FROM ${kept} LIKE '${table}'`)).length > 0
    );
  });
}

/** It is looked for without a pause: what is to be met is over in a moment. */
async function killedWhen({ agent }: Stage, args: string[], isNow: () => Promise<boolean>): Promise<Ended> {
  const { child, ended } = agent.start(args);
  let isOver = false;
  void ended.then(() => (isOver = true));
  const over = () => isOver;
  while (!over() && !(await isNow()));
  child.kill('SIGKILL');
  return ended;
}

async function orders({ server, shop }: Stage): Promise<number> {
  return Number((await server.sql('SELECT count(*) AS n FROM orders', shop.database))[0]?.['n']);
}

function keptBeside(stage: Stage): Promise<string[]> {
  return beside(stage, new RegExp(`^${stage.shop.database}_before_`));
}

async function beside({ engine, server }: Stage, name: RegExp): Promise<string[]> {
  return (await engine.databases(server)).filter((database) => name.test(database));
}
