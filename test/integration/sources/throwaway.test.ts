import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSource } from '../../../agent/sources/create.ts';
import type { Source } from '../../../agent/sources/source.ts';
import { createThrowaway, type ThrowawayDeps } from '../../../agent/sources/throwaway/throwaway.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { mysqlConfig, postgresConfig, testDeps } from '../../helpers/sources.ts';
import { processesIn, throwawayFolder } from '../../helpers/throwaway.ts';
import { until } from '../../helpers/until.ts';

const { signal } = new AbortController();
const SCRATCH = 'holdfast_scratch_0123abcd_1';

/** A throw-away server for a source that does not answer. */
async function opened(
  engine: 'postgres' | 'mariadb',
  serverVersion: string,
  more: Partial<ThrowawayDeps> = {},
) {
  const folder = throwawayFolder();
  const deps = { ...testDeps(), tools: { postgresDirs: [POSTGRES_ROOT] }, throwawayDir: folder, ...more };
  const away = { probe: () => Promise.reject(new Error('away')) } as unknown as Source;
  const config = engine === 'postgres' ? postgresConfig({ port: 1 }) : mysqlConfig({ port: 1 });
  const place = createThrowaway(away, config, deps);
  return {
    folder,
    scratch: await place.open({ engine, serverVersion, extensions: null, dumpBytes: null }, signal),
  };
}

const value = async (server: Source, sql: string) =>
  (await server.ask(SCRATCH, { sql, timeoutMs: 30_000 }, signal)).value;

const MARIADB =
  /Ver (\S+)/.exec(execFileSync('/usr/sbin/mariadbd', ['--version'], { encoding: 'utf8' }))?.[1] ?? '';

describe.each([
  ...postgresMajors().map((major) => ['postgres' as const, String(major)] as const),
  ['mariadb' as const, MARIADB] as const,
])('a throw-away %s %s', (engine, version) => {
  test('opened → of that version, on a socket alone, without rights on this machine; closed → nothing is left', async () => {
    const { folder, scratch } = await opened(engine, version);
    const { server } = scratch;
    try {
      expect(scratch).toMatchObject({
        own: false,
        called: expect.stringMatching(/^a throw-away (PostgreSQL|MariaDB) \d+\./) as string,
      });
      expect(await server.probe(signal)).toMatchObject({ engine });
      await server.createDatabase(SCRATCH, signal);
      expect(await server.examine(SCRATCH, signal)).toMatchObject({ kind: 'sound' });
      if (engine === 'postgres') {
        expect(await value(server, "SELECT current_setting('listen_addresses')")).toBe('');
        await expect(value(server, "SELECT pg_read_file('/etc/passwd')")).rejects.toThrow(
          /permission denied/,
        );
      } else {
        expect(await value(server, 'SELECT @@skip_networking')).toBe('1');
        expect(await value(server, "SELECT LOAD_FILE('/etc/passwd')")).toBeNull();
        await expect(server.createDatabase('elsewhere', signal)).rejects.toThrow(/Access denied/);
      }
      expect(await scratch.trouble()).toBeNull();
    } finally {
      await scratch.close();
    }
    expect(readdirSync(folder)).toEqual([]);
    expect(processesIn(folder)).toEqual([]);
    await scratch.close();
  });
});

describe('what no dump brings, asked of the source', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  async function openedFor(database: string, extensions: string[] | null = null) {
    const deps = { ...testDeps(), tools: { postgresDirs: [POSTGRES_ROOT] }, throwawayDir: throwawayFolder() };
    const config = postgresConfig({ port: server.port, database });
    const place = createThrowaway(createSource(config, deps), config, deps);
    return place.open({ engine: null, serverVersion: null, extensions, dumpBytes: null }, signal);
  }

  test('encoding and locale of the database → those of the scratch', async () => {
    await server.sql(`CREATE DATABASE old ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    const scratch = await openedFor('old');
    try {
      await scratch.server.createDatabase(SCRATCH, signal);
      const sql = `SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = current_database()`;
      expect(await value(scratch.server, sql)).toBe('LATIN1 C');
    } finally {
      await scratch.close();
    }
  });

  test('an extension that the source has got since the dump → left out, and so no difference', async () => {
    await server.sql('CREATE DATABASE grown');
    await server.sql(
      'CREATE EXTENSION cube; CREATE EXTENSION earthdistance; CREATE EXTENSION amcheck',
      'grown',
    );
    const scratch = await openedFor('grown', ['cube', 'earthdistance']);
    try {
      await scratch.server.createDatabase(SCRATCH, signal);
      const sql = `SELECT string_agg(extname || ' ' || extowner::regrole, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'`;
      expect(await value(scratch.server, sql)).toBe('cube holdfast, earthdistance holdfast');
    } finally {
      await scratch.close();
    }
  });

  test('an extension in a version that a new one would not have → told before anything is restored', async () => {
    await server.sql('CREATE DATABASE shop');
    await server.sql(`CREATE EXTENSION citext VERSION '1.4'`, 'shop');
    await expect(openedFor('shop')).rejects.toThrow(
      /^the throw-away server lacks an extension of the source: citext 1\.4 \(it has 1\.\d\)$/,
    );
  });
});

test('the disk fills meanwhile → the server is ended before it is full, and says why', async () => {
  let free = 10e9;
  const { folder, scratch } = await opened('mariadb', MARIADB, { freeBytes: () => Promise.resolve(free) });
  try {
    free = 50e6;
    const trouble = await until('the server was ended', async () => (await scratch.trouble()) ?? undefined);
    expect(trouble).toMatch(/^the disk of .* had only 50\.0 MB left$/);
    await until('it is gone', async () => processesIn(folder).length === 0);
  } finally {
    await scratch.close();
  }
  expect(readdirSync(folder)).toEqual([]);
});

test('the server is killed → said, and closing removes what it left', async () => {
  const { folder, scratch } = await opened('postgres', String(postgresMajors()[0]));
  for (const pid of processesIn(folder)) process.kill(pid, 'SIGKILL');
  expect(await until('its end is known', async () => (await scratch.trouble()) ?? undefined)).toMatch(
    /^a throw-away PostgreSQL .* (ended by itself \(signal SIGKILL\)|does not answer any more)$/,
  );
  await scratch.close();
  expect(readdirSync(folder)).toEqual([]);
});

test.runIf(process.getuid?.() === 0)(
  'its user does not get to the folder → said, and what to set',
  async () => {
    const shut = join(throwawayFolder(), 'shut');
    mkdirSync(shut, { mode: 0o700 });
    await expect(opened('mariadb', MARIADB, { throwawayDir: join(shut, 'in') })).rejects.toMatchObject({
      hint: expect.stringMatching(
        /runs as the user mysql, who does not get to .* set VERIFY_FOLDER/,
      ) as string,
    });
  },
);
