import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { asUser, freePort, runToEnd, serverFolder, startServer, type TestServer } from './server.ts';

/** One folder per major, as Debian has them: `<root>/17/bin/postgres`. Other majors than the machine's own can stand elsewhere. */
export const POSTGRES_ROOT = process.env['POSTGRES_SERVERS'] ?? '/usr/lib/postgresql';

/** Majors whose server is installed, the newest first. */
export function postgresMajors(): number[] {
  const majors = readdirSync(POSTGRES_ROOT).map(Number);
  return majors
    .filter((major) => existsSync(join(POSTGRES_ROOT, String(major), 'bin', 'initdb')))
    .sort((a, b) => b - a);
}

/** A new PostgreSQL server with no data of its own, the newest that is installed; `options` are added to its command line. */
export async function startPostgres(
  options: string[] = [],
  major = postgresMajors()[0],
): Promise<TestServer> {
  const folder = serverFolder();
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'bosspw', { mode: 0o644 });
  if (major === undefined)
    throw new Error(`no PostgreSQL server in ${POSTGRES_ROOT}: apt-get install postgresql`);
  const bin = join(POSTGRES_ROOT, String(major), 'bin');
  await runToEnd(
    ...asUser('postgres', [
      join(bin, 'initdb'),
      `--pgdata=${data}`,
      '--username=boss',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ]),
    folder,
  );

  const port = await freePort();
  const connect = async (database = 'postgres') => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'boss', password: 'bosspw', database });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const server = await startServer(
    asUser('postgres', [
      join(bin, 'postgres'),
      '-D',
      data,
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      '-k',
      folder,
      '-c',
      'fsync=off',
      ...options.flatMap((option) => ['-c', option]),
    ]),
    folder,
    async () => (await connect()).end(),
  );
  const sql = async (text: string, database?: string) => {
    const client = await connect(database);
    try {
      const result: unknown = await client.query(text);
      return ((Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult<Record<string, unknown>>)
        .rows;
    } finally {
      await client.end();
    }
  };
  return {
    host: '127.0.0.1',
    port,
    admin: { user: 'boss', password: 'bosspw' },
    folder,
    sql,
    ...server,
  };
}
