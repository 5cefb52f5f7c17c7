import { expect } from 'vitest';
import type { Ended } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { until } from '../../helpers/until.ts';
import type { Area } from '../fault.ts';
import type { Stage } from '../stage.ts';

const KILLS = 10;
/** Afterwards there are 7 orders. */
const SPOILED = 'DELETE FROM parts; DELETE FROM orders WHERE id > 7; DELETE FROM customers WHERE id > 1';
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
        'the rows are the old ones or the new ones, each time; the next command leaves all whole, with nothing beside it',
      stage: { mayRestore: 'by swap' },
      changesStage: true,
      inject: async (stage) => {
        const { engine, server, shop, agent, oracle, rows } = stage;
        const own = engine === postgres ? `; ALTER TABLE parts OWNER TO ${shop.user}` : '';
        await server.sql(`${PARTS}${own}`, shop.database);
        expect((await agent.run(['backup'])).code).toBe(0);
        const whole = await engine.definitions(server, shop.database);
        const args = ['restore', shop.database, '--yes', '--no-restore-point'];
        await server.sql(SPOILED, shop.database);
        const started = performance.now();
        await agent.run(args);
        const took = performance.now() - started;
        expect(await orders(stage)).toBe(rows);
        for (const [kill, moment] of stage.moments(KILLS, took).entries()) {
          await server.sql(SPOILED, shop.database);
          const attempt = () =>
            engine === mariadb && kill % 2 === 1
              ? killedWhenRenamed(stage, args)
              : stage.killedAfter(moment, args);
          await oracle.died(attempt, { sourceChanges: true });
          expect([7, rows], `kill ${kill}`).toContain(await orders(stage));
        }
        await agent.run(['restore', shop.database, '--drop-old']);
        expect([7, rows]).toContain(await orders(stage));
        expect(await engine.definitions(server, shop.database)).toEqual(whole);
        const { stderr } = await agent.run(['backup']);
        expect(stderr).toMatch(/backup of .*: stored/);
        expect(await beside(stage, /^holdfast_scratch/)).toEqual([]);
        await agent.run(['restore', shop.database, '--drop-old']);
        expect(await keptBeside(stage)).toEqual([]);
      },
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

async function killedWhenRenamed(stage: Stage, args: string[]): Promise<Ended> {
  const before = await keptBeside(stage);
  return killedWhen(stage, args, async () => {
    const kept = (await keptBeside(stage)).find((name) => !before.includes(name));
    return (
      kept !== undefined && (await stage.server.sql(`SHOW TABLES FROM ${kept} LIKE 'orders'`)).length > 0
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
