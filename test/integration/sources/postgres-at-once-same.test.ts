import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SourceSubject } from '../../contracts/source.ts';
import { dumpOf, order } from '../../helpers/at-once.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { streamOf } from '../../helpers/sources.ts';

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
});

describe('while it is replaced in one transaction', () => {
  test('a server that ends transactions which look idle → ends this one at no step', async () => {
    const source = await own(
      'CREATE TABLE t (id int); INSERT INTO t VALUES (1)',
      `ALTER DATABASE own SET idle_in_transaction_session_timeout = '300ms'`,
    );
    const dump = await dumpOf(source);
    const slow = async function* () {
      for (const half of [dump.subarray(0, 100), dump.subarray(100)]) {
        yield half;
        await delay(600);
      }
    };
    const looked: number[] = [];
    const check = order(async ({ inspect }) => {
      await delay(600);
      looked.push((await inspect('own', never)).tables.length);
      await delay(600);
    });
    await source.atOnce!.replace(slow(), check, never);
    expect(looked).toEqual([1]);
  });
});
