import { chmodSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createProcesses } from '../../../agent/process/run.ts';
import { createSource } from '../../../agent/sources/create.ts';
import type { Source } from '../../../agent/sources/source.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { makeCertificates } from '../../helpers/certificates.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { postgresSubject } from '../../helpers/postgres-subject.ts';
import { childrenNamed, runToEnd, type TestServer } from '../../helpers/server.ts';
import { postgresConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startPostgres();
  subject = postgresSubject(server);
});
afterAll(() => server.stop());

async function nasty(database: string) {
  await subject.createNasty(database);
  onTestFinished(() => subject.dropDatabase(database));
  return subject.source(database);
}

async function partOf(source: Source, kind: 'dump' | 'globals') {
  return source.parts(await source.probe(never)).find((part) => part.kind === kind)!;
}

async function dumpOf(source: Source, kind: 'dump' | 'globals' = 'dump') {
  return (await readDump((await partOf(source, kind)).open(never))).bytes;
}

describe('a backup of PostgreSQL', () => {
  test('is the globals first, then the dump', async () => {
    const source = await nasty('shop');
    const parts = source.parts(await source.probe(never));
    expect(parts.map(({ kind, path }) => [kind, path])).toEqual([
      ['globals', '/postgres/shop.globals.sql'],
      ['dump', '/postgres/shop.dump'],
    ]);
  });

  test('its globals hold roles with their passwords and memberships, the same bytes every time', async () => {
    await server.sql("CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE team; GRANT team TO app");
    onTestFinished(async () => {
      await server.sql('DROP ROLE app, team');
    });
    const source = await nasty('shop');
    const first = await dumpOf(source, 'globals');
    expect(first.toString()).toMatch(/ALTER ROLE app WITH .* PASSWORD 'SCRAM-SHA-256/);
    expect(first.toString()).toContain('GRANT team TO app');
    expect(first.toString()).not.toContain('bosspw');
    expect((await dumpOf(source, 'globals')).equals(first)).toBe(true);
  });

  test('its dump is an archive that pg_restore reads, uncompressed, and its date is no date', async () => {
    const dump = await dumpOf(await nasty('shop'));
    expect(dump.subarray(0, 5).toString()).toBe('PGDMP');
    expect(dump.includes('Zoë 😀')).toBe(true);
    // The sixth of seven numbers behind the head: the year, counted from 1900.
    const date = dump[6]! >= 15 ? 12 : 16;
    expect(dump.readUInt32LE(date + 5 * 5 + 1)).toBe(100);
  });

  test('restored with its owners and rights → as they were; without → all is of the role that restores', async () => {
    await server.sql('CREATE ROLE app');
    onTestFinished(async () => {
      await server.sql('DROP ROLE app');
    });
    const source = await nasty('shop');
    await server.sql('ALTER TABLE parent OWNER TO app; GRANT SELECT ON nothing TO app', 'shop');
    const dump = await dumpOf(source);
    const look = `SELECT pg_get_userbyid(relowner)::text AS owner, has_table_privilege('app', 'nothing', 'SELECT') AS may FROM pg_class WHERE relname = 'parent'`;
    for (const [keepOwners, expected] of [
      [true, { owner: 'app', may: true }],
      [false, { owner: 'boss', may: false }],
    ] as const) {
      await source.createDatabase('copy', never);
      await source.restoreInto('copy', streamOf(dump), never, { owners: keepOwners ? 'keep' : 'leave' });
      expect(await server.sql(look, 'copy')).toEqual([expected]);
      await source.dropDatabase('copy', never);
    }
  });

  test('loaded where something of it is there → restore_failed, and the target is exactly as it was', async () => {
    const source = await nasty('shop');
    const dump = await dumpOf(source);
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    await server.sql('CREATE TABLE zz (id int); CREATE TABLE fleeting (mine int)', 'copy');
    await expect(source.restoreInto('copy', streamOf(dump), never)).rejects.toMatchObject({
      kind: 'restore_failed',
      message: expect.stringContaining('"fleeting" already exists') as string,
    });
    expect((await source.inspect('copy', never)).tables.map(({ name }) => name)).toEqual([
      'public.fleeting',
      'public.zz',
    ]);
  });

  test('an archive that ends halfway → restore_failed, and nothing is there', async () => {
    const source = await nasty('shop');
    const dump = await dumpOf(source);
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    await expect(
      source.restoreInto('copy', streamOf(dump.subarray(0, dump.length - 200)), never),
    ).rejects.toMatchObject({ kind: 'restore_failed' });
    expect((await source.inspect('copy', never)).tables).toEqual([]);
  });

  test('a database that is emptied → keeps the rights on its schema "public"', async () => {
    const source = await nasty('shop');
    const rights = "SELECT nspacl::text AS acl, nspowner AS owner FROM pg_namespace WHERE nspname = 'public'";
    await server.sql('CREATE ROLE app; GRANT CREATE ON SCHEMA public TO app', 'shop');
    onTestFinished(async () => {
      await server.sql('DROP OWNED BY app', 'shop');
      await server.sql('DROP ROLE app');
    });
    const before = await server.sql(rights, 'shop');
    await source.emptyDatabase('shop', never);
    expect(await server.sql(rights, 'shop')).toEqual(before);
  });

  test('a server of no known client → client_mismatch before the first byte', async () => {
    await nasty('shop');
    const folder = temporaryFolder();
    const source = createSource(postgresConfig({ port: server.port }), {
      ...testDeps(),
      processes: createProcesses({ PATH: folder }),
      tools: { postgresDirs: [folder] },
    });
    await expect(source.probe(never)).rejects.toMatchObject({ kind: 'client_mismatch' });
  });
});

describe('while pg_dump runs', () => {
  test('a table is locked → dump_failed after the time that a silent client gets; no client and no session left', async () => {
    await nasty('shop');
    const source = subject.source('shop', { idleTimeoutMs: 1000 });
    const part = await partOf(source, 'dump');
    const holder = new pg.Client({ host: server.host, port: server.port, ...server.admin, database: 'shop' });
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query('BEGIN; LOCK TABLE parent IN ACCESS EXCLUSIVE MODE');
    await expect(readDump(part.open(never))).rejects.toMatchObject({
      kind: 'dump_failed',
      message: expect.stringContaining('no byte for 1 s') as string,
    });
    expect(childrenNamed('pg_dump')).toEqual([]);
    await until('the session is gone', async () => (await subject.dumpSessions()) === 0, 5000);
  });

  test('rows come and go → the dump is of one moment', async () => {
    await subject.createLarge('busy', 32 * 1024 * 1024);
    onTestFinished(() => subject.dropDatabase('busy'));
    const source = subject.source('busy');
    const dump = (await partOf(source, 'dump')).open(never);
    const chunks: Buffer[] = [];
    for await (const chunk of dump.stream) {
      if (chunks.length === 1) await server.sql('DELETE FROM t', 'busy');
      chunks.push(chunk);
    }
    await dump.done;
    await source.createDatabase('copy', never);
    onTestFinished(() => subject.dropDatabase('copy'));
    await source.restoreInto('copy', streamOf(...chunks), never);
    const [table] = (await source.inspect('copy', never)).tables;
    expect(table!.rows).toBe(Math.round((32 * 1024 * 1024) / 1000));
  });

  test('the password stands on no command line', async () => {
    await subject.createLarge('busy', 32 * 1024 * 1024);
    onTestFinished(() => subject.dropDatabase('busy'));
    const dump = (await partOf(subject.source('busy'), 'dump')).open(never);
    const pid = await until('the client runs', async () => childrenNamed('pg_dump')[0] ?? false);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toMatch(/bosspw|busy/);
    await readDump(dump);
  });
});

test.each([`"`, `'`, `#`, `:`, `\\`, `\\:`, ` `, `ü😀`, '%', '$(x)'])(
  'a password with %j in it → works',
  async (odd) => {
    await nasty('shop');
    const password = `pw${odd}pw${odd}`;
    await server.sql(`CREATE ROLE odd LOGIN SUPERUSER PASSWORD '${password.replaceAll("'", "''")}'`);
    onTestFinished(async () => {
      await server.sql('DROP ROLE odd');
    });
    const source = subject.source('shop', { user: 'odd', password });
    await dumpOf(source, 'globals');
    await dumpOf(source);
  },
);

test('TLS: a server without → disable and prefer work, require is refused; one with → each holds what it says', async () => {
  await nasty('shop');
  const plain = (sslMode: 'disable' | 'prefer' | 'require') =>
    createSource(postgresConfig({ port: server.port, sslMode }), testDeps());
  await dumpOf(plain('disable'));
  await dumpOf(plain('prefer'));
  await expect(plain('require').probe(never)).rejects.toMatchObject({ kind: 'source_unreachable' });

  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const { ca, cert, key } = await makeCertificates(folder);
  // The server takes no key that others may read.
  if (process.getuid?.() === 0) await runToEnd('chown', ['postgres', key], folder);
  chmodSync(key, 0o600);
  const secure = await startPostgres(['ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${key}`]);
  onTestFinished(() => secure.stop());
  await secure.sql('CREATE DATABASE shop');
  await secure.sql('CREATE TABLE t (id int)', 'shop');
  const source = (sslMode: 'require' | 'verify-ca' | 'verify-full', caFile?: string) =>
    createSource(postgresConfig({ port: secure.port, sslMode }), {
      ...testDeps(),
      ...(caFile === undefined ? {} : { tools: { caFile } }),
    });
  await dumpOf(source('require'));
  await dumpOf(source('verify-ca', ca));
  await dumpOf(source('verify-full', ca));
  await expect(source('verify-full').probe(never)).rejects.toMatchObject({ kind: 'source_unreachable' });
});
