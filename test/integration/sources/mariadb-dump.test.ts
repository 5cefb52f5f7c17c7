import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSource } from '../../../agent/sources/create.ts';
import { withMysqlSession } from '../../../agent/sources/mysql/session.ts';
import type { Source } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { makeCertificates } from '../../helpers/certificates.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import { childrenNamed, type TestServer } from '../../helpers/server.ts';
import { mysqlConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
const MEGABYTE = 1024 * 1024;
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startMariadb();
  subject = mariadbSubject(server);
});
afterAll(() => server.stop());

async function open(source: Source, signal = never) {
  const probe = await source.probe(never);
  return source.parts(probe)[0]!.open(signal);
}

async function dumpOf(source: Source) {
  return (await readDump(await open(source))).bytes;
}

async function nasty(database: string) {
  await subject.createNasty(database);
  onTestFinished(() => subject.dropDatabase(database));
  return subject.source(database);
}

describe('a stored dump', () => {
  test.each([
    ['no database named', [] as string[]],
    ['its database named', ['shop']],
  ])(
    'piped into mysql as the application, %s → loads whole on a server that has nothing of it',
    async (_, argument) => {
      const source = await nasty('shop');
      const before = await subject.fingerprint('shop');
      const dump = await dumpOf(source);
      await server.sql(
        "DROP DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON `shop`.* TO app@'%'",
      );
      onTestFinished(async () => {
        await server.sql("DROP USER app@'%'");
      });
      if (argument.length > 0) await server.sql('CREATE DATABASE shop');

      const connect = ['--no-defaults', '-h127.0.0.1', `-P${server.port}`, '-uapp', '-papp'];
      // The runbook's client: no character set, no option of ours.
      const client = spawn('mariadb', [...connect, ...argument], {
        env: { PATH: process.env.PATH },
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      let said = '';
      client.stderr.on('data', (text: Buffer) => (said += text.toString()));
      const exit = once(client, 'close');
      await pipeline(Readable.from([dump]), client.stdin);
      expect([said, await exit]).toEqual(['', [0, null]]);
      // That client leaves out the comments in procedures (it has --comments for those who want them).
      const after = await subject.fingerprint('shop');
      expect(after).toBe(
        before.replace('-- a comment; with a semicolon', '').replace('/* USE nowhere; */', ''),
      );
    },
  );

  test('keeps who defined what, as a comment and not as a clause', async () => {
    const source = await nasty('shop');
    await server.sql('CREATE DEFINER=`gh*/ost`@`a%` PROCEDURE later2() SELECT 1', 'shop');
    const text = (await dumpOf(source)).toString('utf8');
    const statements = text.split('\n').filter((line) => !line.startsWith('('));
    expect(
      statements.filter((line) =>
        /^(CREATE|\/\*!\d+ (CREATE\*\/ )?).*DEFINER=/.test(line.replace(/\/\* DEFINER=.*? \*\//, '')),
      ),
    ).toEqual([]);
    expect(text).toContain('CREATE /* DEFINER=`gh* /ost`@`a%` */ PROCEDURE `later2`()');
    expect(text).toContain('/*!50003 CREATE*/ /* DEFINER=`root`@`localhost` */ /*!50003 TRIGGER');
    expect(text).toContain('/*!50106 CREATE*/ /* DEFINER=`root`@`localhost` */ /*!50106 EVENT');
    expect(text).toContain('/* DEFINER=`root`@`localhost` */ /*!50013 SQL SECURITY INVOKER */');
  });

  test('nothing in it takes the rights of an administrator, and its top never changes', async () => {
    const text = (await dumpOf(await nasty('shop'))).toString('utf8');
    expect(text).not.toMatch(/SQL_LOG_BIN|GTID|@@GLOBAL|SET GLOBAL/i);
    expect(text.slice(0, 4096)).not.toContain(String(new Date().getFullYear()));
    expect(text.trimEnd()).toMatch(/\n-- Dump completed$/);
  });
});

describe('a dump loaded into another database', () => {
  test('the original is gone → it is not made again, by no statement of the dump', async () => {
    const source = await nasty('shop');
    const dump = await dumpOf(source);
    await server.sql('DROP DATABASE shop');
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    await source.restoreInto('copy', streamOf(dump), never);
    expect(await source.listDatabases('shop', never)).toEqual([]);
    expect((await source.inspect('copy', never)).tables).toHaveLength(5);
  });

  test('events stay asleep in the copy, and wake in the original', async () => {
    const source = await nasty('shop');
    const dump = await dumpOf(source);
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    await source.restoreInto('copy', streamOf(dump), never);
    const states =
      'SELECT event_name AS e, status AS s FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1';
    expect(await server.sql(states, 'copy')).toEqual([
      { e: 'nightly', s: 'DISABLED' },
      { e: 'off_duty', s: 'DISABLED' },
    ]);
    await source.emptyDatabase('shop', never);
    await source.restoreInto('shop', streamOf(dump), never);
    expect(await server.sql(states, 'shop')).toEqual([
      { e: 'nightly', s: 'ENABLED' },
      { e: 'off_duty', s: 'DISABLED' },
    ]);
  });

  test('its definers are wanted back → procedures, triggers, events and views have them, and events still sleep', async () => {
    await nasty('shop');
    await server.sql("CREATE USER IF NOT EXISTS author@'%' IDENTIFIED BY 'x'");
    await server.sql("CREATE DEFINER=author@'%' PROCEDURE theirs() SELECT 1", 'shop');
    await server.sql("CREATE DEFINER=author@'%' VIEW their_view AS SELECT 1 AS a", 'shop');
    await server.sql(
      "CREATE DEFINER=author@'%' TRIGGER their_trigger BEFORE INSERT ON log FOR EACH ROW SET NEW.what = 1",
      'shop',
    );
    await server.sql(
      "CREATE DEFINER=author@'%' EVENT their_event ON SCHEDULE EVERY 1 DAY DO DELETE FROM log",
      'shop',
    );
    const source = subject.source('shop');
    const dump = await dumpOf(source);
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    const definers = `SELECT routine_name AS name, definer AS definer FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_name = 'theirs'
      UNION ALL SELECT table_name, definer FROM information_schema.views WHERE table_schema = DATABASE() AND table_name = 'their_view'
      UNION ALL SELECT trigger_name, definer FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name = 'their_trigger'
      UNION ALL SELECT event_name, CONCAT(definer, ' ', status) FROM information_schema.events WHERE event_schema = DATABASE() AND event_name = 'their_event'`;
    for (const [keepOwners, definer] of [
      [true, 'author@%'],
      [false, 'boss@%'],
    ] as const) {
      await source.emptyDatabase('copy', never);
      const { notes } = await source.restoreInto('copy', streamOf(dump), never, {
        owners: keepOwners ? 'keep' : 'leave',
      });
      // Root, who made the rest, is somebody else than boss, who restores.
      const told = /^definers of \d+ objects became comments$/;
      expect(notes).toEqual(keepOwners ? [] : [expect.stringMatching(told)]);
      expect(await server.sql(definers, 'copy')).toEqual([
        { name: 'theirs', definer },
        { name: 'their_view', definer },
        { name: 'their_trigger', definer },
        { name: 'their_event', definer: `${definer} DISABLED` },
      ]);
    }
  });

  test('a shell command in it → restore_failed, and it did not run', async () => {
    const source = await nasty('shop');
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    const header = (await dumpOf(source)).toString('utf8').split('\n').slice(0, 5).join('\n');
    const mark = join(temporaryFolder(), 'ran');
    for (const command of [
      `\\! touch ${mark}`,
      `system touch ${mark}`,
      `source ${mark}`,
      `SELECT 1;\n\\! touch ${mark}\nSELECT 2;`,
    ]) {
      await expect(
        source.restoreInto('copy', streamOf(`${header}\n${command}\n`), never),
      ).rejects.toMatchObject({
        kind: 'restore_failed',
      });
    }
    expect(existsSync(mark)).toBe(false);
  });

  test('an SQL error in it → restore_failed with the words of the server, and no row in the message', async () => {
    const source = await nasty('shop');
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    const header = (await dumpOf(source)).toString('utf8').split('\n').slice(0, 5).join('\n');
    const error: unknown = await source
      .restoreInto('copy', streamOf(`${header}\nINSERT INTO missing VALUES ('a secret row');\n`), never)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      kind: 'restore_failed',
      message: expect.stringContaining("Table 'copy.missing' doesn't exist") as string,
    });
    expect(String(error)).not.toContain('a secret row');
  });
});

describe('a table that changes while the dump runs', () => {
  test.each([
    ['dropped', 'DROP TABLE zz', 'zz'],
    ['truncated', 'TRUNCATE TABLE zz', 'zz'],
    ['renamed', 'RENAME TABLE zz TO yy', 'zz'],
  ])('%s → dump_failed, naming it and what to do', async (_, statement, table) => {
    await subject.createLarge('busy', 64 * MEGABYTE);
    onTestFinished(() => subject.dropDatabase('busy'));
    await server.sql('CREATE TABLE zz (id int); INSERT INTO zz VALUES (1)', 'busy');
    const dump = await open(subject.source('busy'));
    let done = false;
    for await (const chunk of dump.stream) {
      if (!done && chunk.length > 1000) {
        done = true;
        await server.sql(statement, 'busy');
      }
    }
    await expect(dump.done).rejects.toMatchObject({
      kind: 'dump_failed',
      message: expect.stringContaining(table) as string,
      hint: expect.stringContaining('back up again') as string,
    });
  });

  test('created → the dump is good and does not hold it', async () => {
    await subject.createLarge('busy', 16 * MEGABYTE);
    onTestFinished(() => subject.dropDatabase('busy'));
    const dump = await open(subject.source('busy'));
    let created = false;
    const found: boolean[] = [];
    for await (const chunk of dump.stream) {
      if (!created && chunk.length > 1000) await server.sql('CREATE TABLE zz (id int)', 'busy');
      created = true;
      found.push(chunk.includes('CREATE TABLE `zz`'));
    }
    await dump.done;
    expect(found).not.toContain(true);
  });

  test('locked by somebody → dump_failed after the time that a silent client gets, and no client is left', async () => {
    await subject.createLarge('busy', 1000);
    onTestFinished(() => subject.dropDatabase('busy'));
    const holder = await createConnection({
      host: server.host,
      port: server.port,
      ...server.admin,
      database: 'busy',
    });
    onTestFinished(() => holder.end());
    const source = subject.source('busy', { idleTimeoutMs: 1000 });
    const probe = await source.probe(never);
    await holder.query('LOCK TABLES t WRITE');
    const dump = source.parts(probe)[0]!.open(never);
    await expect(readDump(dump)).rejects.toMatchObject({
      kind: 'dump_failed',
      message: expect.stringContaining('no byte for 1 s') as string,
    });
    expect(childrenNamed('mariadb-dump')).toEqual([]);
  });
});

test('abort while the server works on a statement of ours → it stops working', async () => {
  const abort = new AbortController();
  const config = mysqlConfig({ port: server.port });
  const working = withMysqlSession(config, { signal: abort.signal, caFile: '' }, (session) =>
    session.query('SELECT BENCHMARK(100000000000, MD5(1))'),
  );
  working.catch(() => undefined);
  const busy = async () =>
    (await server.sql("SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT BENCH%'"))
      .length > 0;
  await until('it works', busy);
  abort.abort();
  await expect(working).rejects.toMatchObject({ kind: 'interrupted' });
  await until('it stopped', async () => !(await busy()), 5000);
});

describe('the password', () => {
  test.each([`"`, `'`, `#x`, `a b`, ` a`, `a `, `\\`, `\\n`, `\\\\"'#`, `;[x]`, `ü😀`, `%s$(x)`, `=`, `!`])(
    'with %j in it → reaches server and client as it is',
    async (odd) => {
      await nasty('shop');
      const password = `pw${odd}pw${odd}`;
      const quoted = password.replaceAll('\\', '\\\\').replaceAll("'", "''");
      await server.sql(`CREATE USER odd@'%' IDENTIFIED BY '${quoted}'; GRANT ALL ON *.* TO odd@'%'`);
      onTestFinished(async () => {
        await server.sql("DROP USER odd@'%'");
      });
      await dumpOf(subject.source('shop', { user: 'odd', password }));
    },
  );

  test('while the client runs → only in a file that nobody else reads, which is gone afterwards', async () => {
    await subject.createLarge('busy', 32 * MEGABYTE);
    onTestFinished(() => subject.dropDatabase('busy'));
    const dump = await open(subject.source('busy'));
    const pid = await until('the client runs', async () => childrenNamed('mariadb-dump')[0] ?? false);
    const files = readdirSync(subject.runtimeDir);
    expect(files).toHaveLength(1);
    const file = join(subject.runtimeDir, files[0]!);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('bosspw');
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('bosspw');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('bosspw');
    await readDump(dump);
    expect(readdirSync(subject.runtimeDir)).toEqual([]);
  });
});

describe('TLS', () => {
  test('the server has none → off and preferred work, required and verify are refused', async () => {
    await nasty('shop');
    const source = (tls: 'off' | 'preferred' | 'required' | 'verify') =>
      createSource(mysqlConfig({ port: server.port, tls }), testDeps());
    await dumpOf(source('off'));
    await dumpOf(source('preferred'));
    for (const tls of ['required', 'verify'] as const) {
      await expect(source(tls).probe(never)).rejects.toMatchObject({
        kind: 'source_unreachable',
        message: expect.stringContaining('TLS') as string,
      });
    }
  });

  test('the server has a certificate → every way works, and verify holds it against the authorities', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    const { ca, cert, key } = await makeCertificates(folder);
    const secure = await startMariadb([
      `--ssl-cert=${cert}`,
      `--ssl-key=${key}`,
      '--require-secure-transport=ON',
    ]);
    onTestFinished(() => secure.stop());
    await secure.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id int)');
    const source = (tls: 'off' | 'preferred' | 'required' | 'verify', caFile: string | null = null) =>
      createSource(mysqlConfig({ port: secure.port, tls, caFile }), testDeps());
    await dumpOf(source('preferred'));
    await dumpOf(source('required'));
    await dumpOf(source('verify', ca));
    await expect(source('verify').probe(never)).rejects.toMatchObject({ kind: 'source_unreachable' });
    await expect(source('off').probe(never)).rejects.toMatchObject({ kind: 'source_denied' });
  });

  test.each([
    ['127.0.0.1', 'IP:127.0.0.1', 'localhost'],
    ['localhost', 'DNS:localhost', '127.0.0.1'],
  ])(
    'the certificate is for %s → verify takes it there, and refuses it elsewhere before it says who it is',
    async (host, subject, other) => {
      const folder = temporaryFolder();
      chmodSync(folder, 0o755);
      const { ca, cert, key } = await makeCertificates(folder, subject);
      const secure = await startMariadb([`--ssl-cert=${cert}`, `--ssl-key=${key}`]);
      onTestFinished(() => secure.stop());
      await secure.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id int)');
      const at = (where: string) =>
        createSource(mysqlConfig({ host: where, port: secure.port, tls: 'verify', caFile: ca }), testDeps());
      await dumpOf(at(host));
      await expect(at(other).probe(never)).rejects.toMatchObject({
        kind: 'source_unreachable',
        message: expect.stringMatching(/certificate's altnames/) as string,
      });
    },
  );
});
