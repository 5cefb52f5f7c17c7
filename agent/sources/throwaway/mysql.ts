import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MysqlSourceConfig } from '../../config/config.ts';
import type { Engine } from '../../core/glossary.ts';
import { versionNumbers } from '../mysql/version.ts';
import { writePrivateFile } from '../private-file.ts';
import { giveTo, initialize, startServer } from './launch.ts';
import { noServer, versionSaid } from './version-of.ts';
import type { Kind, KindDeps, Where } from './kind.ts';

type Flavour = 'mysql' | 'mariadb';

const PRODUCTS = { mysql: 'MySQL', mariadb: 'MariaDB' } as const;
const NAMES = { mysql: ['mysqld'], mariadb: ['mariadbd', 'mysqld'] } as const;
/** Who restores: a dump is a program that somebody else may have written. */
const USER = 'holdfast';
const DATABASE = 'holdfast';

/**
 * The server of the flavour and series (`10.11`, `8.4`) that the dump came from: definitions read otherwise in another one, and
 * neither flavour loads the other's dumps. Throws `tool_missing` where there is none.
 */
export async function findMysql(
  config: MysqlSourceConfig,
  deps: KindDeps,
  fits: { engine: Engine; serverVersion: string },
  signal: AbortSignal,
): Promise<Kind> {
  const flavour = fits.engine === 'mysql' ? 'mysql' : 'mariadb';
  const { serverVersion } = fits;
  const series = seriesOf(serverVersion);
  const names = NAMES[flavour];
  const folders = deps.tools.mysqlServerDirs;
  const others = new Set<string>();
  for (const program of [...folders.flatMap((dir) => names.map((name) => join(dir, name))), ...names]) {
    const said = await versionSaid(program, ['--no-defaults', '--version'], {
      processes: deps.processes,
      signal,
    });
    const version = /Ver (\S+)/.exec(said ?? '')?.[1];
    if (version === undefined) continue;
    const found: Flavour = /mariadb/i.test(said ?? '') ? 'mariadb' : 'mysql';
    if (found !== flavour || seriesOf(version) !== series) others.add(`${PRODUCTS[found]} ${plain(version)}`);
    else {
      return {
        called: `${PRODUCTS[flavour]} ${plain(version)}`,
        users: ['mysql'],
        start: (where, started) => start(config, deps, { program, flavour }, where, started),
      };
    }
  }
  throw noServer(`${PRODUCTS[flavour]} ${series}`, {
    others: [...others],
    image: flavour === 'mariadb' ? 'mariadb' : null,
    packages: 'mariadb-server-core',
  });
}

async function start(
  config: MysqlSourceConfig,
  deps: KindDeps,
  { program, flavour }: { program: string; flavour: Flavour },
  { folder, user }: Where,
  signal: AbortSignal,
) {
  const password = randomBytes(24).toString('hex');
  const [data, files, socket] = ['data', 'files', 'socket'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [data, files]) await mkdir(made, { mode: 0o700 });
  const first = await writePrivateFile(folder, '.sql', firstStatements(password));
  await giveTo(user, [data, files, first.path]);
  // It answers to nothing but a signal that cannot be put off.
  const launch = { user, folder, endedBy: 'KILL', secrets: [password] } as const;
  await initialize(
    deps.processes,
    { ...launch, ...(flavour === 'mariadb' ? installed(data, folder) : initialized(program, data)) },
    signal,
  );
  const args = serverOptions({ data, files, socket, folder, first: first.path });
  const running = await startServer(
    deps.processes,
    { ...launch, program, args, ready: /\S+d: ready for connections/ },
    signal,
  );
  const where = { host: socket, port: 3306, database: DATABASE, user: USER, password } as const;
  const server = deps.createSource({
    ...config,
    ...where,
    tls: 'off',
    caFile: null,
    verify: { server: null, queries: [] },
  });
  return { running, server };
}

/** A server that starts removes the temporary tables that it finds in its folder for them: that must not be one of others. */
function installed(data: string, folder: string) {
  const args = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  return {
    program: 'mariadb-install-db',
    args: ['--no-defaults', `--datadir=${data}`, `--tmpdir=${folder}`, ...args],
  };
}

function initialized(program: string, data: string) {
  return { program, args: ['--no-defaults', '--initialize-insecure', `--datadir=${data}`] };
}

/** Read before the first connection is let in; one statement in a line. */
function firstStatements(password: string): string {
  return [
    `CREATE DATABASE ${DATABASE};`,
    `CREATE USER ${USER}@localhost IDENTIFIED BY '${password}';`,
    `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, PROCESS, RELOAD ON *.* TO ${USER}@localhost;`,
    `GRANT ALL ON \`holdfast\\_%\`.* TO ${USER}@localhost;`,
    'ALTER USER root@localhost ACCOUNT LOCK;',
    '',
  ].join('\n');
}

interface Paths {
  data: string;
  /** An empty folder, and the only one whose files a statement may read or write. */
  files: string;
  socket: string;
  folder: string;
  first: string;
}

/** Nothing in it is to outlive it, one client works in it, and nobody else gets in. What only one flavour has is `loose`. */
function serverOptions({ data, files, socket, folder, first }: Paths): string[] {
  return [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--tmpdir=${folder}`,
    `--init-file=${first}`,
    `--secure-file-priv=${files}`,
    '--skip-networking',
    '--skip-name-resolve',
    '--local-infile=OFF',
    '--skip-log-bin',
    '--event-scheduler=OFF',
    '--performance-schema=OFF',
    '--max-connections=20',
    '--max-allowed-packet=1G',
    '--key-buffer-size=8M',
    '--innodb-buffer-pool-size=128M',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-doublewrite=OFF',
    '--innodb-use-native-aio=OFF',
    '--loose-aria-pagecache-buffer-size=8M',
    '--loose-mysqlx=OFF',
    '--loose-skip-replica-start',
  ];
}

function seriesOf(version: string): string {
  return versionNumbers(version).slice(0, 2).join('.');
}

/** `10.11.19-MariaDB-0+deb12u1` without what its packager added. */
function plain(version: string): string {
  return versionNumbers(version).join('.');
}
