import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSource } from '../../../agent/sources/create.ts';
import type { Proof } from '../../../agent/proof/proof.ts';
import type { AtOnceOrder, Inspector } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { dumpOf, order } from '../../helpers/at-once.ts';
import { makeCertificates } from '../../helpers/certificates.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import { runToEnd, type TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';

const never = new AbortController().signal;
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startPostgres();
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

/** What a dump of everything is replaced by before it comes back. */
const SPOILED = `CREATE SCHEMA since; CREATE TABLE since.t (id int); INSERT INTO since.t VALUES (1), (2)`;

describe('everything in a database replaced in one transaction', () => {
  test('all that dumps are known to lose → comes back, is seen by the check before anybody else sees it, and nothing is left on the disk', async () => {
    await subject.createNasty('own');
    onTestFinished(() => subject.dropDatabase('own'));
    const source = subject.source('own');
    const before = await subject.fingerprint('own');
    const dump = await dumpOf(source);
    await server.sql(SPOILED, 'own');
    const spoiled = await subject.fingerprint('own');
    expect(spoiled).not.toBe(before);
    const seen: Record<string, unknown> = {};
    const check = async (inside: Inspector) => {
      const { tables } = await inside.inspect('own', never);
      seen['inside'] = tables.some(({ name }) => name === 'since.t');
      seen['outside'] = (await server.sql(`SELECT FROM pg_namespace WHERE nspname = 'since'`, 'own')).length;
    };
    expect(await source.atOnce!.hurdle(never)).toBeNull();
    const restored = await source.atOnce!.replace(streamOf(dump), order(check), never);
    expect(restored.ownersKept).toBe(true);
    expect(seen).toEqual({ inside: false, outside: 1 });
    expect(await subject.fingerprint('own')).toBe(before);
    expect(readdirSync(subject.runtimeDir)).toEqual([]);
  });

  test.each<[string, (dump: Buffer) => Buffer, AtOnceOrder['check'], RegExp]>([
    [
      'what came back is refused by the check',
      (dump) => dump,
      () => Promise.reject(new Error('not what it was')),
      /not what it was/,
    ],
    [
      'the dump breaks off in its rows',
      (dump) => dump.subarray(0, dump.length - 60_000),
      async () => undefined,
      /could not read|unexpected end/,
    ],
    [
      'a row of the dump is none',
      (dump) => {
        const spoiled = Buffer.from(dump);
        spoiled.write('x', spoiled.indexOf('1900\t'));
        return spoiled;
      },
      async () => undefined,
      /invalid input syntax/,
    ],
  ])('%s → it is as it was, and can be replaced by a good one', async (_, change, check, told) => {
    await server.sql('CREATE DATABASE own');
    onTestFinished(() => subject.dropDatabase('own'));
    await server.sql(
      `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT n, repeat(md5(n::text), 3) FROM generate_series(1, 2000) n`,
      'own',
    );
    const source = subject.source('own');
    const dump = await dumpOf(source);
    await server.sql(`DELETE FROM t WHERE id > 7; ${SPOILED}`, 'own');
    const before = await subject.fingerprint('own');
    await expect(source.atOnce!.replace(streamOf(change(dump)), order(check), never)).rejects.toThrow(told);
    expect(await subject.fingerprint('own')).toBe(before);
    await source.atOnce!.replace(streamOf(dump), order(), never);
    expect(await server.sql('SELECT count(*)::int AS n FROM t', 'own')).toEqual([{ n: 2000 }]);
  });

  test('a database that is not in UTF-8, over TLS → comes back equal to its proof, letter by letter', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    const { cert, key } = await makeCertificates(folder);
    // The server takes no key that others may read.
    if (process.getuid?.() === 0) await runToEnd('chown', ['postgres', key], folder);
    chmodSync(key, 0o600);
    const secure = await startPostgres(['ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${key}`]);
    onTestFinished(() => secure.stop());
    await secure.sql(`CREATE DATABASE own TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`);
    await secure.sql(
      `CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Zoë'); SELECT lo_from_bytea(7, '\\x00ff')`,
      'own',
    );
    const config = postgresConfig({ name: 'own', database: 'own', port: secure.port, sslMode: 'require' });
    const source = createSource(config, testDeps(join(secure.folder, 'runtime')));
    const part = source.parts(await source.probe(never)).find(({ kind }) => kind === 'dump')!;
    const dump = part.open(never);
    const { bytes } = await readDump(dump);
    const { proof } = (await dump.proof)!;
    await secure.sql('DROP TABLE people; SELECT lo_unlink(7)', 'own');
    let found: Proof | undefined;
    const check = async (inside: Inspector) => {
      found = await inside.prove('own', proof!, never);
    };
    await source.atOnce!.replace(streamOf(bytes), order(check), never);
    expect(found?.tables).toEqual(proof!.tables);
    expect(await secure.sql('SELECT * FROM people', 'own')).toEqual([{ id: 1, name: 'Zoë' }]);
    expect(await secure.sql('SELECT lo_get(7) AS x', 'own')).toEqual([{ x: Buffer.from([0, 255]) }]);
  });

  test('a server with little room for locks → refused before anything, with the setting, and then it can; a load that meets it says so too', async () => {
    const few = ['max_connections=10', 'max_worker_processes=2', 'max_wal_senders=2'];
    const small = await startPostgres([...few, 'max_locks_per_transaction=10']);
    onTestFinished(() => small.stop());
    await small.sql(
      `DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY)', i); COMMIT; END LOOP; END $$`,
    );
    const source = () => postgresSubject(small).source('postgres');
    const hurdle = await source().atOnce!.hurdle(never);
    expect(hurdle?.detail).toMatch(/takes about \d+ locks, and the server has room for \d+$/);
    const enough = /max_locks_per_transaction = (\d+)/.exec(hurdle!.mend)![1]!;
    const large = await startPostgres([...few, `max_locks_per_transaction=${enough}`]);
    onTestFinished(() => large.stop());
    await large.sql(
      `DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY)', i); COMMIT; END LOOP; END $$`,
    );
    const enoughRoom = postgresSubject(large).source('postgres');
    expect(await enoughRoom.atOnce!.hurdle(never)).toBeNull();
    const dump = await dumpOf(enoughRoom);
    await small.sql('CREATE DATABASE beside');
    await expect(source().restoreInto('beside', streamOf(dump), never)).rejects.toMatchObject({
      hint: expect.stringMatching(/^Set max_locks_per_transaction higher there/) as string,
    });
  });
});

/** Whose owner nobody else can be. */
const SUPERUSERS = ['an extension', 'a wrapper', 'a language', 'an access method', 'a cast'];

describe('a user who may not replace what is there', () => {
  test.each([
    ['a schema', 'CREATE SCHEMA "the""irs"', /schema the"irs/],
    ['a publication', 'CREATE PUBLICATION news', /publication news/],
    ['a large object', "SELECT lo_from_bytea(0, 'x')", /large objects/],
    ['an extension', 'CREATE EXTENSION pg_trgm', /extension pg_trgm/],
    ['a wrapper', 'CREATE FOREIGN DATA WRAPPER bare', /foreign-data wrapper bare/],
    ['a language', 'CREATE LANGUAGE other HANDLER plpgsql_call_handler', /language other/],
    [
      'an access method',
      'CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler',
      /access method am/,
    ],
    ['a cast', 'CREATE CAST (json AS uuid) WITH INOUT', /cast \(json AS uuid\)/],
    ['the right to make schemas', 'SELECT 1', /may not make schemas/],
  ])('for %s → is told before, by its name, with what mends it', async (what, statement, detail) => {
    await server.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
    await server.sql('CREATE DATABASE own OWNER app');
    onTestFinished(async () => {
      await subject.dropDatabase('own');
      await server.sql('DROP ROLE app');
    });
    const source = subject.source('own', { user: 'app', password: 'app' });
    expect(await source.atOnce!.hurdle(never)).toBeNull();
    await server.sql(statement, 'own');
    if (what.startsWith('the right')) {
      await server.sql('ALTER SCHEMA public OWNER TO app', 'own');
      await server.sql('ALTER DATABASE own OWNER TO boss');
    }
    const hurdle = await source.atOnce!.hurdle(never);
    expect(hurdle?.detail).toMatch(detail);
    if (SUPERUSERS.includes(what)) return expect(hurdle?.mend).toMatch(/Restore as a superuser/);
    await server.sql(/Run as an administrator[^:]*: (.*)/s.exec(hurdle!.mend)![1]!, 'own');
    expect(await source.atOnce!.hurdle(never)).toBeNull();
  });

  test('a subscription, which no transaction drops → is told before, to a superuser too', async () => {
    await server.sql('CREATE DATABASE own');
    onTestFinished(() => subject.dropDatabase('own'));
    const create = `CREATE SUBSCRIPTION "ne""ws" CONNECTION 'dbname=far' PUBLICATION p WITH (connect = false, slot_name = NONE)`;
    await server.sql(create, 'own');
    const { atOnce } = subject.source('own');
    const hurdle = await atOnce!.hurdle(never);
    expect(hurdle?.detail).toBe('own subscribes to another server (ne"ws)');
    await server.sql(/(DROP [^;]*;)/.exec(hurdle!.mend)![1]!, 'own');
    expect(await atOnce!.hurdle(never)).toBeNull();
  });
});
