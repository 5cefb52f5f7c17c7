import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { asUser, freePort, runToEnd, serverFolder, startServer, type TestServer } from './server.ts';

/** A new MariaDB server with no data of its own; `options` are added to its command line. */
export async function startMariadb(options: string[] = []): Promise<TestServer> {
  const folder = serverFolder();
  const data = join(folder, 'data');
  mkdirSync(data);
  chmodSync(folder, 0o777);
  await runToEnd(
    'mariadb-install-db',
    [
      '--no-defaults',
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      `--datadir=${data}`,
      // A server that starts removes what others have in a folder for temporary tables that they share.
      `--tmpdir=${folder}`,
      ...(process.getuid?.() === 0 ? ['--user=mysql'] : []),
    ],
    folder,
  );
  if (process.getuid?.() === 0) await runToEnd('chown', ['-R', 'mysql:mysql', data], folder);

  const port = await freePort();
  const socket = join(folder, 'socket');
  const server = await startServer(
    asUser('mysql', [
      'mariadbd',
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      // A server that starts removes what it takes for its own old temporary files.
      `--tmpdir=${folder}`,
      '--bind-address=127.0.0.1',
      '--innodb-flush-log-at-trx-commit=0',
      ...options,
    ]),
    folder,
    async () => (await createConnection({ socketPath: socket, user: 'root' })).end(),
  );
  const sql = async (text: string, database?: string) => {
    const connection = await createConnection({
      socketPath: socket,
      user: 'root',
      charset: 'utf8mb4',
      multipleStatements: true,
      dateStrings: true,
      ...(database === undefined ? {} : { database }),
    });
    try {
      const [result] = await connection.query(text);
      return lastRows(result);
    } finally {
      await connection.end();
    }
  };
  await sql("CREATE USER boss@'%' IDENTIFIED BY 'bosspw'; GRANT ALL ON *.* TO boss@'%' WITH GRANT OPTION");
  return {
    host: '127.0.0.1',
    port,
    admin: { user: 'boss', password: 'bosspw' },
    folder,
    sql,
    ...server,
  };
}

function lastRows(result: unknown): Record<string, unknown>[] {
  const results: unknown[] = Array.isArray(result) ? result : [];
  const lists = results.filter((item): item is Record<string, unknown>[] => Array.isArray(item));
  return lists.at(-1) ?? (results as Record<string, unknown>[]);
}
