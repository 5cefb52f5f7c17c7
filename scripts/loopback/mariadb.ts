import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { isListening, waitUntil } from './wait.ts';

export interface MariadbOptions extends ChildOptions {
  /** A folder of its own, made if need be; other users must be able to pass through the folders above it. */
  folder: string;
  /** Run as the administrator before anybody can connect, one statement a line. */
  init: string[];
  /** A free one where it is left out. */
  port?: number;
}

export interface RunningMariadb extends Child {
  port: number;
}

/** Makes a private MariaDB server on loopback and starts it as a user without rights; resolves when it listens. */
export async function startMariadb(options: MariadbOptions): Promise<RunningMariadb> {
  const port = options.port ?? (await freePort());
  const data = join(options.folder, 'data');
  mkdirSync(data, { recursive: true });
  // Debian keeps mariadbd where only root's PATH looks.
  const env = { PATH: [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter) };
  // It refuses to run as root; Debian's package brings a user for it.
  const user = process.getuid?.() === 0 ? ['--user=mysql'] : [];
  const own = ['--no-defaults', ...user, `--datadir=${data}`, '--skip-name-resolve'];
  const install = startChild(
    'mariadb-install-db',
    [...own, '--skip-test-db', '--auth-root-authentication-method=normal'],
    env,
    options,
  );
  await waitUntil('mariadb-install-db', () => !install.isRunning(), 60);
  if (install.exitCode() !== 0) throw new Error(`mariadb-install-db failed:\n${install.output()}`);

  const init = join(options.folder, 'init.sql');
  writeFileSync(init, options.init.map((statement) => `${statement};\n`).join(''), { mode: 0o644 });
  // A socket's whole path may have 107 characters: this one is relative to the data folder.
  const address = [`--port=${port}`, '--bind-address=127.0.0.1', '--socket=mariadb.sock'];
  const small = ['--innodb-buffer-pool-size=32M', '--skip-log-bin'];
  const child = startChild('mariadbd', [...own, ...address, ...small, `--init-file=${init}`], env, options);
  await waitUntil(
    'MariaDB to listen',
    () => {
      if (!child.isRunning()) throw new Error(`mariadbd ended:\n${child.output()}`);
      return isListening(port);
    },
    30,
  );
  return { ...child, port };
}
