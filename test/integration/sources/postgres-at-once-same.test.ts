import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SourceSubject } from '../../contracts/source.ts';
import { dumpOf, order } from '../../helpers/at-once.ts';
import { installExtension } from '../../helpers/postgres-extension.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { streamOf } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startPostgres();
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

/** A database with these things in it. */
async function own(...statements: string[]) {
  await server.sql('CREATE DATABASE own');
  onTestFinished(() => subject.dropDatabase('own'));
  for (const statement of statements) await server.sql(statement, 'own');
  return subject.source('own');
}

const one = async (sql: string) => (await server.sql(sql, 'own'))[0];

describe('what a database was, replaced in one transaction', () => {
  test('values that hang on settings of the database → are read under those, in a materialized view too', async () => {
    const source = await own(
      `ALTER DATABASE own SET timezone = 'Europe/Berlin'; ALTER DATABASE own SET datestyle = 'ISO, DMY'`,
      `CREATE TABLE t AS SELECT '2026-06-30 22:30:00+00'::timestamptz AS at;
       CREATE MATERIALIZED VIEW days AS SELECT at::date::text AS day, '01/02/2026'::text::date::text AS read FROM t`,
    );
    const dump = await dumpOf(source);
    const before = await one('SELECT * FROM days');
    expect(before).toEqual({ day: '2026-07-01', read: '2026-02-01' });
    await source.atOnce!.replace(streamOf(dump), order(), never);
    expect(await one('SELECT * FROM days')).toEqual(before);
  });

  test('default privileges of the whole database → change no right of what is loaded, and come back; later ones are gone', async () => {
    await server.sql('CREATE ROLE reader');
    onTestFinished(async () => {
      await server.sql('DROP ROLE reader');
    });
    const source = await own(
      `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
       ALTER DEFAULT PRIVILEGES FOR ROLE reader GRANT USAGE ON SEQUENCES TO boss WITH GRANT OPTION`,
      `CREATE TABLE closed (id int); REVOKE SELECT ON closed FROM reader;
       CREATE FUNCTION open() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION open() TO PUBLIC`,
    );
    const rights = () =>
      one(`SELECT has_table_privilege('reader', 'closed', 'SELECT') AS closed, has_function_privilege('reader', 'open()', 'EXECUTE') AS open,
        (SELECT jsonb_agg(jsonb_build_array(defaclrole::regrole, defaclobjtype, defaclacl::text) ORDER BY defaclrole, defaclobjtype) FROM pg_default_acl) AS defaults`);
    const before = await rights();
    expect(before).toMatchObject({ closed: false, open: true });
    const dump = await dumpOf(source);
    await server.sql('ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC, boss', 'own');
    await source.atOnce!.replace(streamOf(dump), order(), never);
    expect(await rights()).toEqual(before);
  });

  test('what stands in no schema, of an extension or of none → comes back, and nothing later is left', async () => {
    const { name, remove } = await installExtension(
      server,
      `CREATE FUNCTION watch_over() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
       CREATE EVENT TRIGGER of_extension ON ddl_command_end EXECUTE FUNCTION watch_over();
       CREATE FOREIGN DATA WRAPPER of_extension; CREATE SERVER of_extension FOREIGN DATA WRAPPER of_extension`,
    );
    onTestFinished(remove);
    const source = await own(
      `CREATE EXTENSION ${name}; CREATE TABLE t (id int)`,
      `CREATE CAST (json AS bytea) WITH INOUT; CREATE FOREIGN DATA WRAPPER "b""are"; CREATE SERVER far FOREIGN DATA WRAPPER "b""are";
       CREATE ACCESS METHOD again TYPE TABLE HANDLER heap_tableam_handler`,
    );
    const all = () =>
      one(`SELECT ARRAY(SELECT castsource::regtype || ' ' || casttarget::regtype FROM pg_cast WHERE oid >= 16384) AS casts,
        ARRAY(SELECT fdwname::text FROM pg_foreign_data_wrapper ORDER BY 1) AS wrappers, ARRAY(SELECT srvname::text FROM pg_foreign_server ORDER BY 1) AS servers,
        ARRAY(SELECT lanname::text FROM pg_language ORDER BY 1) AS languages, ARRAY(SELECT amname::text FROM pg_am ORDER BY 1) AS methods,
        ARRAY(SELECT evtname::text FROM pg_event_trigger ORDER BY 1) AS triggers`);
    const before = await all();
    const dump = await dumpOf(source);
    await server.sql(
      `CREATE CAST (json AS uuid) WITH INOUT; CREATE LANGUAGE later HANDLER plpgsql_call_handler; CREATE FOREIGN DATA WRAPPER later`,
      'own',
    );
    expect(await source.atOnce!.hurdle(never)).toBeNull();
    await source.atOnce!.replace(streamOf(dump), order(), never);
    expect(await all()).toEqual(before);
  });
});

describe('while it is replaced in one transaction', () => {
  test('a server that ends transactions which look idle → ends this one at no step', async () => {
    const source = await own(
      'CREATE TABLE t (id int); INSERT INTO t VALUES (1)',
      `ALTER DATABASE own SET idle_in_transaction_session_timeout = '300ms'`,
    );
    const dump = await dumpOf(source);
    const untilIdle = () =>
      until('it has been idle for twice the limit', async () => {
        const idle = await server.sql(
          `SELECT 1 AS it FROM pg_stat_activity WHERE datname = 'own' AND state LIKE 'idle in transaction%' AND state_change < now() - interval '600 ms'`,
        );
        return idle.length > 0;
      });
    const slow = async function* () {
      yield dump;
      // Asked for more when pg_restore is at work.
      await untilIdle();
    };
    const looked: number[] = [];
    const check = order(async ({ inspect }) => {
      await untilIdle();
      looked.push((await inspect('own', never)).tables.length);
      await untilIdle();
    });
    await source.atOnce!.replace(slow(), check, never);
    expect(looked).toEqual([1]);
  });

  test('a deadlock with whoever uses it → it is as it was, which is said with what to do', async () => {
    const source = await own(
      'CREATE SCHEMA a; CREATE TABLE a.t (id int); CREATE SCHEMA b; CREATE TABLE b.t (id int)',
      `ALTER DATABASE own SET deadlock_timeout = '3s'`,
    );
    const dump = await dumpOf(source);
    const { host, port } = server;
    const user = new pg.Client({ host, port, ...server.admin, database: 'own', application_name: 'user' });
    await user.connect();
    onTestFinished(() => user.end());
    await user.query(`SET deadlock_timeout = '1min'; BEGIN; SELECT FROM b.t`);
    const failed = source.atOnce!.replace(streamOf(dump), order(), never).catch((error: unknown) => error);
    await until(
      'the restore waits',
      async () => (await one(`SELECT FROM pg_locks WHERE NOT granted`)) !== undefined,
    );
    const used = user.query('SELECT FROM a.t');
    expect(await failed).toMatchObject({
      message: expect.stringMatching(/deadlock detected; nothing was changed$/) as string,
      hint: expect.stringMatching(/stop what uses the database/) as string,
    });
    await used;
  });
});
