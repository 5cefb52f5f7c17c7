import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProcesses } from '../../../agent/process/run.ts';
import { findMysqlClient } from '../../../agent/sources/mysql/clients.ts';
import { findPostgresClient, siblingOf } from '../../../agent/sources/postgres/clients.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const signal = new AbortController().signal;
const MARIADB = 'echo "mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)"';
const NEW_MARIADB = 'echo "mariadb-dump from 11.8.6-MariaDB, client 10.19 for debian-linux-gnu (x86_64)"';
const MYSQL = 'echo "mysqldump  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)"';

/** Programs on the PATH: none but these. */
function world(programs: Record<string, string>) {
  const path = temporaryFolder();
  for (const [name, script] of Object.entries(programs)) fakeProgram(path, name, script);
  return { path, processes: createProcesses({ PATH: path }) };
}

describe('the client of a MySQL server', () => {
  test("Debian's mysqldump, which is MariaDB's → client_mismatch that says what it is", async () => {
    const { processes } = world({ mysqldump: MARIADB });
    await expect(findMysqlClient('mysql', 'dump', { processes, dirs: [], signal })).rejects.toMatchObject({
      kind: 'client_mismatch',
      message: expect.stringContaining('10.11.19-MariaDB') as string,
      hint: expect.stringContaining('/usr/lib/holdfast/mysql/bin') as string,
    });
  });

  test("a folder with MySQL's own → is taken before the PATH", async () => {
    const { processes } = world({ mysqldump: MARIADB });
    const dir = world({ mysqldump: MYSQL }).path;
    expect(await findMysqlClient('mysql', 'dump', { processes, dirs: [dir], signal })).toEqual({
      path: join(dir, 'mysqldump'),
      version: '9.7.4',
    });
  });

  test('nothing there → client_mismatch', async () => {
    const { processes } = world({});
    await expect(
      findMysqlClient('mysql', 'dump', { processes, dirs: ['/not/there'], signal }),
    ).rejects.toMatchObject({
      kind: 'client_mismatch',
      message: expect.stringContaining('no such program') as string,
    });
  });
});

describe('the client of a MariaDB server', () => {
  test.each([
    ['mariadb-dump', NEW_MARIADB, '11.8.6-MariaDB'],
    ['mysqldump', MARIADB, '10.11.19-MariaDB'],
  ])('%s by its own words → is taken', async (name, script, version) => {
    const { processes } = world({ [name]: script });
    expect(await findMysqlClient('mariadb', 'dump', { processes, dirs: [], signal })).toEqual({
      path: name,
      version,
    });
  });

  test("MySQL's mysqldump alone → client_mismatch", async () => {
    const { processes } = world({ mysqldump: MYSQL });
    await expect(findMysqlClient('mariadb', 'dump', { processes, dirs: [], signal })).rejects.toMatchObject({
      kind: 'client_mismatch',
    });
  });
});

describe('the client of a PostgreSQL server', () => {
  const pgDump = (version: string) => `echo "pg_dump (PostgreSQL) ${version}"`;

  function roots(...majors: number[]): string {
    const root = temporaryFolder();
    for (const major of majors) {
      mkdirSync(join(root, String(major), 'bin'), { recursive: true });
      fakeProgram(join(root, String(major), 'bin'), 'pg_dump', pgDump(`${major}.3 (Debian ${major}.3-1)`));
    }
    return root;
  }

  test('several majors → the one of the server, and its neighbours from the same folder', async () => {
    const { processes } = world({});
    const root = roots(15, 17, 18);
    const client = await findPostgresClient(17, { processes, dirs: ['/not/there', root], signal });
    expect(client).toEqual({ path: join(root, '17/bin/pg_dump'), version: '17.3' });
    expect(siblingOf(client.path, 'pg_restore')).toBe(join(root, '17/bin/pg_restore'));
  });

  test.each([16, 19])(
    'only others for a server of major %d → client_mismatch that names both',
    async (major) => {
      const { processes } = world({ pg_dump: pgDump('15.18') });
      await expect(findPostgresClient(major, { processes, dirs: [roots(17)], signal })).rejects.toMatchObject(
        {
          kind: 'client_mismatch',
          message: expect.stringMatching(new RegExp(`${major}.*15\\.18`)) as string,
        },
      );
    },
  );
});
