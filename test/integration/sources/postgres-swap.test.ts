import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createScratchPlace } from '../../../agent/sources/create-scratch.ts';
import type { Source, SwapPlan } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import { asUser, runToEnd, type TestServer } from '../../helpers/server.ts';
import { postgresConfig, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
let subject: SourceSubject;
beforeAll(async () => {
  server = await startPostgres(['autovacuum_naptime=1s']);
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

const never = new AbortController().signal;
const LOADED = { notes: [], warnings: [], ownersKept: true, stilledEvents: [] };
let number = 0;

interface Prepared {
  source: Source;
  target: string;
  fresh: string;
  keep: string;
  plan: SwapPlan;
}

/** A database and, beside it, the one that shall take its place. */
async function prepared(): Promise<Prepared> {
  number += 1;
  const [target, fresh, keep] = [
    `swap${number}`,
    `holdfast_scratch_${number}_restore`,
    `swap${number}_before_20261101_150000`,
  ];
  const source = subject.source(target);
  await subject.createDatabase(target);
  await source.createDatabase(fresh, never);
  onTestFinished(async () => {
    for (const database of [target, fresh, keep]) await subject.dropDatabase(database);
  });
  return { source, target, fresh, keep, plan: await source.planSwap({ fresh, keep, loaded: LOADED }, never) };
}

describe('a swap of PostgreSQL that was cut off', () => {
  test('before the renames → undone, also when somebody has dropped the new one meanwhile', async () => {
    const { source, fresh, plan } = await prepared();
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.dropDatabase(fresh);
    expect(await source.settleSwap(plan, never)).toBe('undone');
  });

  test('before a rename that keeps no old one → undone, also when the new one and the target are gone', async () => {
    const { source, target, fresh } = await prepared();
    const plan = await source.planSwap({ fresh, keep: null, loaded: LOADED }, never);
    await subject.dropDatabase(target);
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.dropDatabase(fresh);
    expect(await source.settleSwap(plan, never)).toBe('undone');
    await subject.createDatabase(target);
    expect(await source.settleSwap(plan, never)).toBe('undone');
  });

  test('after them → done, also when the old one was dropped since', async () => {
    const { source, keep, plan } = await prepared();
    await source.swapIn(plan, never);
    expect(await source.settleSwap(plan, never)).toBe('done');
    await subject.dropDatabase(keep);
    expect(await source.settleSwap(plan, never)).toBe('done');
  });
});

test('a scratch database of ours that subscribes to another server → dropped, and the slot there is left alone', async () => {
  const { source, fresh, target } = await prepared();
  const create = `CREATE SUBSCRIPTION "ne""ws" CONNECTION 'host=127.0.0.1 port=1 dbname=far' PUBLICATION p WITH (connect = false)`;
  const forget = 'ALTER SUBSCRIPTION "ne""ws" SET (slot_name = NONE); DROP SUBSCRIPTION "ne""ws"';
  for (const database of [fresh, target]) await server.sql(create, database);
  onTestFinished(async () => {
    await server.sql(forget, target);
  });
  await server.sql('ALTER SUBSCRIPTION "ne""ws" ENABLE', fresh);
  await source.dropDatabase(fresh, never);
  expect(await source.listDatabases(fresh, never)).toEqual([]);
  await expect(source.dropDatabase(target, never)).rejects.toThrow(/subscription/);
});

describe('what a database has as a whole, given to the one that takes its place', () => {
  test('settings that would change the session that gives them → come over as they are, and the comment with them', async () => {
    const { source, target, plan } = await prepared();
    const role = `${target}_reader`;
    await server.sql(`
      CREATE ROLE ${role}; CREATE ROLE ${target}_team;
      COMMENT ON DATABASE ${target} IS 'Lädchen für Öl';
      ALTER DATABASE ${target} SET client_encoding TO 'LATIN1';
      ALTER DATABASE ${target} SET search_path TO public, "odd, ""name""", '', "$user";
      ALTER DATABASE ${target} SET temp_tablespaces TO '';
      ALTER DATABASE ${target} SET datestyle TO 'SQL, DMY';
      ALTER DATABASE ${target} SET app.motto TO 'it''s, "one" text\\';
      ALTER DATABASE ${target} SET local_preload_libraries TO 'one', 'two three';
      ALTER ROLE ${role} IN DATABASE ${target} SET default_transaction_read_only TO on;
      ALTER ROLE ${role} IN DATABASE ${target} SET role TO '${target}_team';
      ALTER ROLE ${role} IN DATABASE ${target} SET statement_timeout TO '1ms'`);
    const likeness = () =>
      server.sql(`SELECT shobj_description(oid, 'pg_database') AS comment,
        (SELECT array_agg(setrole::regrole || ': ' || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid) AS settings
        FROM pg_database d WHERE datname = '${target}'`);
    const before = await likeness();
    expect(before[0]?.['settings']).toHaveLength(2);
    await source.swapIn(plan, never);
    expect(await likeness()).toEqual(before);
  });
});

describe('a swap by a role that is no superuser', () => {
  /** Prepared with a role of its own that owns both. */
  async function owned() {
    const { target, fresh, keep } = await prepared();
    const role = `${target}_owner`;
    await server.sql(
      `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'owner'; GRANT pg_signal_backend TO ${role};
       ALTER DATABASE ${target} OWNER TO ${role}; ALTER DATABASE ${fresh} OWNER TO ${role}`,
    );
    const source = subject.source(target, { user: role, password: 'owner' });
    return { target, role, source, plan: await source.planSwap({ fresh, keep, loaded: LOADED }, never) };
  }

  test.each([
    ["work_mem TO '5MB'", true],
    ['"TimeZone" TO \'UTC\'', true],
    ['log_min_duration_statement TO 500', false],
    ["session_preload_libraries TO ''", false],
    ["app.motto TO 'one'", false],
  ])(
    'the database has the setting %s → a hurdle only where that role could not set it',
    async (setting, may) => {
      const { target, role, source } = await owned();
      const set = `ALTER DATABASE ${target} SET ${setting}`;
      await server.sql(set);
      const asOwner = () => server.sql(`SET ROLE ${role}; ${set}`);
      const hurdle = await source.swapHurdle('', never);
      if (may) {
        await asOwner();
        return expect(hurdle).toBeNull();
      }
      await expect(asOwner()).rejects.toThrow(/permission denied/);
      expect(hurdle?.detail).toContain(
        `has the setting ${setting.split(' ')[0]}, which ${role} may not give`,
      );
      expect(await subject.source(target).swapHurdle('', never)).toBeNull();
      const mend = /Run as an administrator: (.*)/.exec(hurdle!.mend)?.[1];
      if (mend === undefined) return expect(hurdle?.mend).toMatch(/Restore as a superuser/);
      await server.sql(mend);
      expect(await source.swapHurdle('', never)).toBeNull();
      await asOwner();
      await server.sql(mend.replace('GRANT', 'REVOKE').replace(' TO ', ' FROM '));
    },
  );

  test('autovacuum is at work in the old one → it ends by itself, and the swap is done', async () => {
    const { target, source, plan } = await owned();
    await server.sql(
      `CREATE TABLE t (id int) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
         autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
       INSERT INTO t SELECT generate_series(1, 100000);`,
      target,
    );
    await server.sql('DELETE FROM t WHERE id % 2 = 0', target);
    const isAtWork = async () =>
      (
        await server.sql(
          `SELECT FROM pg_stat_activity WHERE datname = '${target}' AND backend_type = 'autovacuum worker'`,
        )
      ).length > 0;
    await until('autovacuum is at work', isAtWork);
    // Keeps the rename from ending the worker before anybody else could.
    const holder = new pg.Client({
      host: server.host,
      port: server.port,
      ...server.admin,
      database: 'postgres',
    });
    await holder.connect();
    await holder.query(`BEGIN; COMMENT ON DATABASE ${target} IS 'held'`);
    const swapping = source.swapIn(plan, never);
    await until(
      'the rename waits',
      async () =>
        (
          await server.sql(
            `SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE "${target}" RENAME%' AND wait_event_type = 'Lock'`,
          )
        ).length > 0,
    );
    expect(await isAtWork()).toBe(true);
    await holder.end();
    await swapping;
    expect(await source.settleSwap(plan, never)).toBe('done');
  });

  test('the target is a template → it is found, and told as what keeps it from a swap', async () => {
    const { target, source } = await owned();
    await server.sql(`ALTER DATABASE ${target} IS_TEMPLATE true`);
    onTestFinished(async () => {
      await server.sql(`ALTER DATABASE ${target} IS_TEMPLATE false`);
    });
    expect(await source.listDatabases(target, never)).toContain(target);
    expect((await source.swapHurdle('', never))?.detail).toBe(`${target} is a template`);
  });
});

describe('a database of the form that a dump names', () => {
  const form = (database: string) =>
    server
      .sql(
        `SELECT concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datcollate, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), spcname) AS form
          FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = '${database}'`,
      )
      .then((rows) => rows[0]?.['form']);
  const made = (options: string) => `CREATE DATABASE x WITH TEMPLATE = template0 ${options};`;

  /** A source whose database is gone, and a name for a new one. */
  function gone() {
    number += 1;
    const target = `form${number}`;
    onTestFinished(() => subject.dropDatabase(target));
    return { source: subject.source(`gone${number}`), target };
  }

  test('the server has its locale → made so', async () => {
    const { source, target } = gone();
    const icu = made(`ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'de'`);
    expect(await source.createDatabase(target, never, icu)).toEqual([]);
    expect(await form(target)).toBe('UTF8 i C de pg_default');
  });

  test('a scratch database on a server that has no such database → sorts like the source', async () => {
    const { target } = gone();
    const scratch = `holdfast_scratch_${target}`;
    onTestFinished(() => subject.dropDatabase(scratch));
    await server.sql(
      `CREATE DATABASE ${target} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu LOCALE 'C' ICU_LOCALE 'de'`,
    );
    const config = postgresConfig({ port: server.port, database: target });
    const elsewhere = { ...config, database: 'not_there' };
    const place = createScratchPlace(
      subject.source(target),
      { ...config, verify: { server: elsewhere, queries: [] } },
      { ...testDeps(), throwawayDir: '' },
    );
    const need = { engine: null, serverVersion: null, extensions: null, dumpBytes: null };
    const opened = await place.open(need, never);
    await opened.server.createDatabase(scratch, never);
    expect(await form(scratch)).toBe('UTF8 i C de pg_default');
    await subject.dropDatabase(target);
    await subject.dropDatabase(scratch);
    await opened.server.createDatabase(scratch, never);
    expect(await form(scratch)).toBe('UTF8 c C.UTF-8 pg_default');
  });

  test("the server lacks the locale → made with the server's, which is told with both", async () => {
    const { source, target } = gone();
    const libc = made(`ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'xx_YY.UTF-8'`);
    expect(await source.createDatabase(target, never, libc)).toEqual([
      expect.stringMatching(
        /cannot sort as the source did \(UTF8, libc xx_YY\.UTF-8: .*so form\d+ was made as UTF8, libc C\.UTF-8: text may sort/,
      ),
    ]);
    expect(await form(target)).toBe('UTF8 c C.UTF-8 pg_default');
  });

  test("the server's locale does not go with the encoding → without any locale, and the encoding is kept", async () => {
    const { source, target } = gone();
    const latin = made(`ENCODING = 'LATIN9' LOCALE_PROVIDER = libc LOCALE = 'xx_YY.ISO8859-15'`);
    expect(await source.createDatabase(target, never, latin)).toEqual([
      expect.stringContaining(`${target} was made as LATIN9, libc C: `),
    ]);
    expect(await form(target)).toBe('LATIN9 c C pg_default');
  });

  test('the encoding cannot be had → refused, and nothing is made', async () => {
    const { source, target } = gone();
    const unknown = made(`ENCODING = 'KLINGON' LOCALE_PROVIDER = libc LOCALE = 'C'`);
    await expect(source.createDatabase(target, never, unknown)).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringContaining('KLINGON') as string,
    });
    expect(await form(target)).toBeUndefined();
  });

  test('a tablespace → it lies there; one that is not there, or may not be used → told with what moves it', async () => {
    const place = `${server.folder}/fast`;
    await runToEnd(...asUser('postgres', ['mkdir', place]), server.folder);
    await server.sql(`CREATE TABLESPACE fast LOCATION '${place}'`);
    const { source, target } = gone();
    const inFast = made(`ENCODING = 'UTF8' LOCALE = 'C' TABLESPACE = fast`);
    expect(await source.createDatabase(target, never, inFast)).toEqual([]);
    expect(await form(target)).toMatch(/ fast$/);
    // Its scratch and what a restore puts in its place lie there too.
    const own = subject.source(target);
    await own.createDatabase(`${target}_copy`, never);
    expect(await form(`${target}_copy`)).toMatch(/ fast$/);
    await subject.dropDatabase(`${target}_copy`);
    await subject.dropDatabase(target);
    const elsewhere = made(`ENCODING = 'UTF8' LOCALE = 'C' TABLESPACE = slow`);
    expect(await source.createDatabase(target, never, elsewhere)).toEqual([
      expect.stringMatching(/not in slow as the source did: the server has none.*SET TABLESPACE "slow"/),
    ]);
    await subject.dropDatabase(target);
    await server.sql("CREATE ROLE maker LOGIN CREATEDB PASSWORD 'maker'");
    const maker = subject.source('gone', { user: 'maker', password: 'maker' });
    expect(await maker.createDatabase(target, never, inFast)).toEqual([
      expect.stringMatching(/not in fast as the source did: maker may not use it/),
    ]);
  });
});
