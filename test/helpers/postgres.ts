import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { asUser, freePort, runToEnd, serverFolder, startServer, type TestServer } from './server.ts';

const ROOT = '/usr/lib/postgresql';

/** A new PostgreSQL server with no data of its own; `options` are added to its command line. */
export async function startPostgres(options: string[] = []): Promise<TestServer> {
  const folder = serverFolder();
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'bosspw', { mode: 0o644 });
  const bin = serverPrograms();
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

/** Of the newest server that is installed. */
function serverPrograms(): string {
  const majors = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  const bins = majors.map((major) => join(ROOT, major, 'bin'));
  const bin = bins.find((folder) => existsSync(join(folder, 'initdb')));
  if (bin === undefined) throw new Error(`no PostgreSQL server in ${ROOT}: apt-get install postgresql`);
  return bin;
}
