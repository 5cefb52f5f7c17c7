import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresSourceConfig } from '../../../agent/config/config.ts';
import { createSource } from '../../../agent/sources/create.ts';
import type { Dump } from '../../../agent/sources/source.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { makeFifo } from '../../helpers/fifo.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import { childrenNamed, type TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;

describe.each(postgresMajors())('while PostgreSQL %i is dumped and proven', (major) => {
  const pgDump = join(POSTGRES_ROOT, String(major), 'bin', 'pg_dump');
  let server: TestServer;
  let number = 0;

  beforeAll(async () => {
    server = await startPostgres([], major);
  });
  afterAll(() => server.stop());

  /** Two tables, `t` of which pg_dump needs more than one pipe to tell. */
  async function database() {
    const name = `db_${(number += 1)}`;
    await server.sql(`CREATE DATABASE ${name}`);
    onTestFinished(async () => {
      await server.sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    });
    await server.sql(
      `CREATE TABLE t (id serial PRIMARY KEY, x text); CREATE TABLE other (id int);
       INSERT INTO t (x) SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i; INSERT INTO other VALUES (1)`,
      name,
    );
    return name;
  }

  function sourceOf(name: string, more: Partial<PostgresSourceConfig> = {}, programs = POSTGRES_ROOT) {
    return createSource(postgresConfig({ port: server.port, database: name, ...more }), {
      ...testDeps(),
      tools: { postgresDirs: [programs] },
    });
  }

  async function dumpOf(source: ReturnType<typeof sourceOf>, signal = never) {
    return source
      .parts(await source.probe(never))
      .at(-1)!
      .open(signal);
  }

  /** A pg_dump that does `first` before it takes the snapshot over. */
  function programsThat(first: string) {
    const root = temporaryFolder();
    const bin = join(root, String(major), 'bin');
    mkdirSync(bin, { recursive: true });
    fakeProgram(bin, 'pg_dump', `case "$*" in *--snapshot=*) ${first} ;; esac\nexec ${pgDump} "$@"`);
    return root;
  }

  /** A pg_dump that waits behind a gate. */
  function gated() {
    const folder = temporaryFolder();
    const [gate, reached] = [join(folder, 'gate'), join(folder, 'reached')];
    makeFifo(gate);
    return {
      programs: programsThat(`touch ${reached}; read -r _ <${gate}`),
      reached: () => until('pg_dump stands at the gate', async () => existsSync(reached)),
      open: () => writeFileSync(gate, '\n'),
    };
  }

  /** Sessions of the source in a database, without pg_dump's that gives rows. */
  async function endSessions(name: string) {
    await server.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '${name}' AND application_name = 'holdfast' AND query NOT LIKE 'COPY %'`,
    );
  }

  /** Others wait for `t` until what it returns is called, which runs a statement on it first. */
  async function lock(name: string) {
    const { host, port } = server;
    const client = new pg.Client({
      host,
      port,
      ...server.admin,
      database: name,
      application_name: 'the tests',
    });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    await client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    return (sql: string) => client.query(`${sql}; COMMIT`);
  }

  const waitsForLock = (name: string) =>
    until('the proof waits for the lock', async () => {
      const rows = await server.sql(
        `SELECT pid FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'holdfast' AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0 && Number(rows[0]!.pid);
    });

  async function requireWhole(name: string, dump: Dump, rows = 20_000) {
    const { bytes } = await readDump(dump);
    const source = sourceOf(name);
    await source.createDatabase(`${name}_copy`, never);
    onTestFinished(() => source.dropDatabase(`${name}_copy`, never));
    await source.restoreInto(`${name}_copy`, streamOf(bytes), never);
    const { tables } = await source.inspect(`${name}_copy`, never);
    expect(tables).toContainEqual({ name: 'public.t', rows });
  }

  test('the session of the proof is ended midway → the dump is whole, and no proof is there, with the reason', async () => {
    const name = await database();
    const dump = await dumpOf(sourceOf(name));
    await until('pg_dump gives rows', async () => {
      const rows = await server.sql(
        `SELECT FROM pg_stat_activity WHERE datname = '${name}' AND query LIKE 'COPY public.t %'`,
      );
      return rows.length > 0;
    });
    await endSessions(name);
    await requireWhole(name, dump);
    expect(await dump.proof).toEqual({
      proof: null,
      why: expect.stringMatching(/^the session of the proof failed: .*terminat/) as string,
    });
  });

  test('it is ended before pg_dump took the snapshot over → pg_dump runs without, the dump is whole, and the reason is told', async () => {
    const name = await database();
    const gate = gated();
    const dump = await dumpOf(sourceOf(name, {}, gate.programs));
    await gate.reached();
    await endSessions(name);
    gate.open();
    await requireWhole(name, dump);
    expect(await dump.proof).toMatchObject({
      proof: null,
      why: expect.stringContaining('the session of the proof failed') as string,
    });
  });

  test('the server does not know the snapshot → pg_dump runs without, and the proof says that nothing is proven', async () => {
    const name = await database();
    const programs = programsThat('set -- "${@/--snapshot=*/--snapshot=00000009-00000009-9}"');
    const dump = await dumpOf(sourceOf(name, {}, programs));
    await requireWhole(name, dump);
    expect(await dump.proof).toMatchObject({
      why: null,
      proof: { unproven: 'pg_dump could not take over the snapshot of the proof' },
    });
  });

  test('pg_dump fails for another reason → it is not started again, and there is no proof', async () => {
    const name = await database();
    const programs = programsThat('echo "pg_dump: error: no" >&2; exit 1');
    const dump = await dumpOf(sourceOf(name, {}, programs));
    await expect(readDump(dump)).rejects.toMatchObject({ kind: 'dump_failed' });
    expect(await dump.proof).toEqual({ proof: null, why: 'the dump failed' });
    await until('no session is left', async () => {
      const rows = await server.sql(`SELECT FROM pg_stat_activity WHERE datname = '${name}'`);
      return rows.length === 0;
    });
  });

  test('a dump that is refused → no proof, and nobody waits for it', async () => {
    const name = await database();
    const source = sourceOf(name);
    const probe = await source.probe(never);
    await server.sql('DROP TABLE t, other', name);
    const dump = source.parts(probe).at(-1)!.open(never);
    await expect(readDump(dump)).rejects.toMatchObject({ kind: 'source_empty' });
    expect(await dump.proof).toEqual({ proof: null, why: 'the dump failed' });
  });

  /** Runs a statement between the snapshot and pg_dump's locks. */
  async function dumpOver(sql: string, before = 'ANALYZE t') {
    const name = await database();
    await server.sql(before, name);
    const gate = gated();
    const release = await lock(name);
    const dump = await dumpOf(sourceOf(name, {}, gate.programs));
    await gate.reached();
    await waitsForLock(name);
    await release(sql);
    gate.open();
    return { name, dump };
  }

  // What is older than the snapshot was cut off, what is newer is not of it: pg_dump finds no row, and exits 0.
  test.each(['TRUNCATE t; INSERT INTO t VALUES (1)', 'ALTER TABLE t ALTER x TYPE varchar(2000)'])(
    '%s before pg_dump locks it → the dump is not whole, and the table is named',
    async (sql) => {
      const { name, dump } = await dumpOver(sql);
      await expect(readDump(dump)).rejects.toMatchObject({
        kind: 'dump_incomplete',
        message: `table public.t of ${name} was truncated or rewritten as the dump began, and none of its rows is in it`,
      });
      expect(await dump.proof).toEqual({ proof: null, why: 'the dump failed' });
    },
  );

  test('an empty table is truncated before pg_dump locks it → nothing is lost, and the dump is whole', async () => {
    const { name, dump } = await dumpOver('TRUNCATE hollow', 'CREATE TABLE hollow (id int)');
    await requireWhole(name, dump);
  });

  test('a table is packed by CLUSTER before pg_dump locks it → its rows are there, and the dump is whole', async () => {
    const { name, dump } = await dumpOver('CLUSTER t USING t_pkey');
    await requireWhole(name, dump);
  });

  test('a table that the proof cannot have → the dump is whole, the others are read, and the proof names it', async () => {
    const name = await database();
    const gate = gated();
    const release = await lock(name);
    const dump = await dumpOf(sourceOf(name, {}, gate.programs));
    await gate.reached();
    // Its definitions first, then its rows: with those of others, which is given up soon, and by itself.
    const waiting = await waitsForLock(name);
    await server.sql(`SELECT pg_cancel_backend(${waiting})`);
    await until('it waits again', async () => {
      const rows = await server.sql(
        `SELECT FROM pg_stat_activity WHERE pid = ${waiting} AND wait_event_type = 'Lock' AND query LIKE 'SELECT count(*)%FROM ONLY "public"."t"%'`,
      );
      return rows.length > 0;
    });
    await server.sql(`SELECT pg_cancel_backend(${waiting})`);
    await release('SELECT 1');
    gate.open();
    await requireWhole(name, dump);
    expect(await dump.proof).toMatchObject({
      why: null,
      proof: {
        unproven:
          'its objects could not be read: canceling statement due to user request, and 1 more such trouble',
        tables: [{ name: 'public.other', rows: 1 }],
      },
    });
  });

  test('limits of the role → do not end the session of the proof', async () => {
    const name = await database();
    await server.sql(
      `CREATE ROLE hasty LOGIN SUPERUSER PASSWORD 'hasty'; ALTER ROLE hasty SET idle_in_transaction_session_timeout = '200ms';
       ALTER ROLE hasty SET statement_timeout = '20s'; ALTER ROLE hasty SET extra_float_digits = -5; ALTER ROLE hasty SET bytea_output = 'escape'`,
    );
    onTestFinished(async () => {
      await server.sql('DROP ROLE hasty');
    });
    const gate = gated();
    const dump = await dumpOf(sourceOf(name, { user: 'hasty', password: 'hasty' }, gate.programs));
    await gate.reached();
    await until('it was idle for longer', async () => {
      const rows = await server.sql(
        `SELECT FROM pg_stat_activity WHERE datname = '${name}' AND usename = 'hasty' AND state_change < now() - interval '500ms'`,
      );
      return rows.length > 0;
    });
    gate.open();
    await requireWhole(name, dump);
    expect(await dump.proof).toMatchObject({ why: null, proof: { unproven: null } });
  });

  test('abort → the proof says so, and no session is left', async () => {
    const name = await database();
    const release = await lock(name);
    const abort = new AbortController();
    const dump = await dumpOf(sourceOf(name), abort.signal);
    await waitsForLock(name);
    abort.abort();
    await expect(readDump(dump)).rejects.toMatchObject({ kind: 'interrupted' });
    expect(await dump.proof).toMatchObject({ proof: null });
    expect(childrenNamed('pg_dump')).toEqual([]);
    await release('SELECT 1');
    await until('no session is left', async () => {
      const rows = await server.sql(
        `SELECT FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'holdfast'`,
      );
      return rows.length === 0;
    });
  });
});
