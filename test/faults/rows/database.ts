import { mariadb, postgres } from '../../helpers/engines.ts';
import type { Area } from '../fault.ts';

export const database: Area = {
  title: 'The database',
  file: import.meta.filename,
  faults: [
    {
      name: 'The password of the database is wrong',
      done: 'another one is configured',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'who was refused is named',
      inject: async ({ engine, shop, agent, oracle }) => {
        const wrong = engine.otherwise(shop, { password: 'wrong-password' });
        const told = new RegExp(`refuses ${shop.user}[\\s\\S]*Check user and password`);
        await oracle.alarm(() => agent.run(['backup'], wrong), told);
      },
    },
    {
      name: 'The database is down',
      done: 'nobody listens at its port',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'its address is named',
      inject: async ({ engine, shop, agent, oracle }) => {
        const nowhere = engine.otherwise(shop, { port: 1 });
        await oracle.alarm(() => agent.run(['backup'], nowhere), /cannot reach .* at 127\.0\.0\.1:1:/);
      },
    },
    {
      name: 'The name of the database’s host does not resolve',
      done: 'a host below `.invalid` is configured',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'the name is told',
      inject: async ({ engine, shop, agent, oracle }) => {
        const unknown = engine.otherwise(shop, { host: 'db.invalid' });
        await oracle.alarm(() => agent.run(['backup'], unknown), /cannot reach .* at db\.invalid:/);
      },
    },
    {
      name: 'TLS is wanted of a database that has none',
      done: 'it is configured as required',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'TLS is named',
      inject: async ({ engine, shop, agent, oracle }) => {
        const secure = engine.otherwise(shop, { tls: true });
        await oracle.alarm(() => agent.run(['backup'], secure), /TLS|SSL/);
      },
    },
    {
      name: 'A right is taken from the backup user',
      done: 'TRIGGER, or membership in `pg_read_all_data`, is revoked: a dump would be smaller',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'the GRANT that mends it is told, and mends it',
      inject: async ({ engine, server, shop, agent, oracle }) => {
        await server.sql(engine.right.take(shop));
        await oracle.alarm(() => agent.run(['backup']), engine.right.refusal);
        await server.sql(engine.right.give(shop));
      },
    },
    {
      name: 'Row security hides rows from the backup user',
      done: 'BYPASSRLS is taken, and a table gets row security',
      on: [postgres],
      times: 1,
      asserted: 'the table is named, and what mends it',
      inject: async ({ server, shop, agent, oracle }) => {
        await server.sql('ALTER TABLE orders ENABLE ROW LEVEL SECURITY', shop.database);
        await server.sql(`ALTER ROLE ${shop.user} NOBYPASSRLS`);
        await oracle.alarm(() => agent.run(['backup']), /orders[\s\S]*BYPASSRLS/);
        await server.sql(`ALTER ROLE ${shop.user} BYPASSRLS`);
        await server.sql('ALTER TABLE orders DISABLE ROW LEVEL SECURITY', shop.database);
      },
    },
    {
      name: 'The database is empty',
      done: 'everything in it is dropped between two backups',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'good again when it holds a table',
      inject: async ({ engine, server, shop, agent, oracle }) => {
        await server.sql(engine.emptied, shop.database);
        await oracle.alarm(() => agent.run(['backup']), /no tables?/i);
        await server.sql('CREATE TABLE orders (id int)', shop.database);
      },
      changesStage: true,
    },
    {
      name: 'The source lost a table',
      done: 'a table is dropped between two backups',
      on: [mariadb, postgres],
      times: 1,
      asserted: 'the dump is stored and does not count',
      stage: { environment: { BACKUP_GUARD: 'tables' } },
      inject: async ({ server, shop, agent, oracle }) => {
        await server.sql('CREATE TABLE zz (id int)', shop.database);
        const more = await agent.run(['backup']);
        if (more.code !== 0) throw new Error(more.stderr);
        await server.sql('DROP TABLE zz', shop.database);
        await oracle.alarm(() => agent.run(['backup']), /suspect, [\s\S]*1 fewer than the last good backup/, {
          exitCode: 3,
          stores: true,
        });
        await server.sql('CREATE TABLE zz (id int)', shop.database);
      },
    },
  ],
};
