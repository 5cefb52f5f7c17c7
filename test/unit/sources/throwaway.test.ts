import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProcesses } from '../../../agent/process/run.ts';
import { createThrowaway, type ThrowawayDeps } from '../../../agent/sources/throwaway/throwaway.ts';
import { makeFolder, sweepThrowaways } from '../../../agent/sources/throwaway/folder.ts';
import type { Probe, Source } from '../../../agent/sources/source.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { mysqlConfig, postgresConfig, testDeps } from '../../helpers/sources.ts';

const { signal } = new AbortController();

/** A machine with these programs and no others, and a source that answers so, or not at all. */
function machine(
  programs: Record<string, string>,
  probe: Partial<Probe> | null,
  more: Partial<ThrowawayDeps> = {},
) {
  const path = temporaryFolder();
  for (const [name, said] of Object.entries(programs)) fakeProgram(path, name, `echo "${said}"`);
  const throwawayDir = join(temporaryFolder(), 'throw-away');
  const deps: ThrowawayDeps = {
    ...testDeps(),
    processes: createProcesses({ PATH: `${path}:/usr/bin:/bin` }),
    tools: { postgresDirs: [], mysqlServerDirs: [path] },
    throwawayDir,
    freeBytes: () => Promise.resolve(10 * 2 ** 30),
    ...more,
  };
  const source = {
    probe: () => (probe === null ? Promise.reject(new Error('away')) : Promise.resolve(probe)),
  } as unknown as Source;
  const open = (type: 'mysql' | 'postgres', need: Partial<Probe> & { dumpBytes?: number } = {}) => {
    const config = type === 'mysql' ? mysqlConfig({}) : postgresConfig({});
    const { engine = null, serverVersion = null, dumpBytes = null } = need;
    return createThrowaway(source, config, deps).open(
      { engine, serverVersion, extensions: null, dumpBytes },
      signal,
    );
  };
  return { open, throwawayDir };
}

const POSTGRES = { postgres: 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)' };
const MARIADB = 'Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)';
const MYSQL = 'Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)';

describe('no server of that version → tool_missing, with what is there and what would bring it', () => {
  test.each<[string, 'mysql' | 'postgres', Record<string, string>, Partial<Probe>, RegExp, RegExp]>([
    [
      'PostgreSQL of another major',
      'postgres',
      POSTGRES,
      { engine: 'postgres', serverVersion: '17.6' },
      /would have to be PostgreSQL 17; installed is PostgreSQL 15\.18$/,
      /WITH_SERVERS=17, or install postgresql-17\. .*VERIFY_SERVER/,
    ],
    [
      'a major that the image knows no server of',
      'postgres',
      POSTGRES,
      { engine: 'postgres', serverVersion: '13.2' },
      /PostgreSQL 13; /,
      /^Or name a server/,
    ],
    [
      'MariaDB of another series',
      'mysql',
      { mariadbd: `mariadbd  ${MARIADB}` },
      { engine: 'mariadb', serverVersion: '11.8.6-MariaDB-ubu2404' },
      /MariaDB 11\.8; installed is MariaDB 10\.11\.19$/,
      /WITH_SERVERS=mariadb/,
    ],
    [
      "MySQL, and what is called mysqld is MariaDB's",
      'mysql',
      { mysqld: `mysqld  ${MARIADB}` },
      { engine: 'mysql', serverVersion: '9.7.4' },
      /MySQL 9\.7; installed is MariaDB 10\.11\.19$/,
      /^Or name a server that runs anyway in VERIFY_SERVER/,
    ],
    [
      'MariaDB, and there is MySQL',
      'mysql',
      { mysqld: `mysqld  ${MYSQL}` },
      { engine: 'mariadb', serverVersion: '10.11.19-MariaDB' },
      /MariaDB 10\.11; installed is MySQL 9\.7\.4$/,
      /mariadb-server-core/,
    ],
  ])('%s', async (_, type, programs, need, message, hint) => {
    // What is on this machine's own PATH must not count.
    const { open, throwawayDir } = machine(programs, null);
    const opened = open(type, need);
    await expect(opened).rejects.toMatchObject({
      kind: 'tool_missing',
      message: expect.stringMatching(message) as string,
    });
    await expect(opened).rejects.toMatchObject({ hint: expect.stringMatching(hint) as string });
    expect(existsSync(throwawayDir)).toBe(false);
  });

  test('the snapshot is of another kind of database → said', async () => {
    const opened = machine(POSTGRES, null).open('postgres', { engine: 'mysql', serverVersion: '9.7.4' });
    await expect(opened).rejects.toMatchObject({
      ...{ kind: 'client_mismatch', message: 'the snapshot is of mysql, and the source shop is not' },
    });
  });

  test('the proof does not tell the version → the source is asked; it does not answer → said', async () => {
    const asked = machine(POSTGRES, { engine: 'postgres', serverVersion: '16.1' }).open('postgres');
    await expect(asked).rejects.toThrow(/PostgreSQL 16; /);
    const silent = machine(POSTGRES, null).open('postgres', { engine: 'postgres' });
    await expect(silent).rejects.toThrow(/nobody knows which server the dump of shop came from/);
  });
});

describe('too little disk → told with what it takes, and nothing is begun', () => {
  test.each<[string, Partial<Probe> | null, number | undefined, RegExp]>([
    [
      'by the size of the source',
      { databaseBytes: 100e9 },
      1,
      /needs about 151 GB in .*, and 10\.7 GB are free$/,
    ],
    ['by the dump, where the source does not answer', null, 50e9, /needs about 151 GB in /],
    ['by what an empty server takes', { databaseBytes: null }, undefined, /needs about 671 MB in /],
  ])('%s', async (_, probe, dumpBytes, message) => {
    const free = message.source.includes('671') ? 600e6 : 10 * 2 ** 30;
    const { open, throwawayDir } = machine(POSTGRES, probe, { freeBytes: () => Promise.resolve(free) });
    const opened = open('postgres', {
      ...{ engine: 'postgres', serverVersion: '15.2' },
      ...(dumpBytes === undefined ? {} : { dumpBytes }),
    });
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ hint: expect.stringContaining('VERIFY_FOLDER') as string });
    expect(readdirSync(throwawayDir)).toEqual([]);
  });
});

describe('the folders of throw-away servers', () => {
  test('those of dead agents and of an earlier process of the same id → swept; ours and what is not ours stay', async () => {
    const root = temporaryFolder();
    const own = await makeFolder(root);
    for (const name of [
      '999999999-123-0123abcd',
      `${process.pid}-1-0123abcd`,
      '999999999--0123abcd',
      'photos',
    ])
      mkdirSync(join(root, name, 'data'), { recursive: true });
    await sweepThrowaways(root);
    expect(
      readdirSync(root)
        .map((name) => join(root, name))
        .toSorted(),
    ).toEqual([own, join(root, 'photos')].toSorted());
  });

  test('a folder that is not there → nothing to sweep', async () => {
    await expect(sweepThrowaways('/not/there')).resolves.toBeUndefined();
  });

  test('a path that no socket fits in → said before anything is made', async () => {
    const root = join(temporaryFolder(), 'x'.repeat(90));
    await expect(makeFolder(root)).rejects.toThrow(/is too long for the socket/);
    expect(existsSync(root)).toBe(false);
  });
});
