import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { startChild } from '../scripts/loopback/child.ts';
import { startMariadb } from '../scripts/loopback/mariadb.ts';
import { freePort } from '../scripts/loopback/ports.ts';
import { isListening, waitUntil } from '../scripts/loopback/wait.ts';
import type { TableData } from './shop-data.ts';
import { sh, type Variables } from './timed.ts';

export type EngineName = 'mariadb' | 'postgres';

/** A private server with a database `shop`, and how a person and the agent get at it. */
export interface Engine {
  name: EngineName;
  version: string;
  /** The dump as a person would type it; the same options as the agent's, so that only the way of the bytes differs. */
  dumpLine(database: string): string;
  /** The path that the agent stores the dump under. */
  storedPath: string;
  /** The agent's environment. */
  agent(database: string): Variables;
  /** Loads a plain dump from stdin, as a person would type it. */
  loadLine(database: string): string;
  createEmpty(database: string): Promise<void>;
  /** Runs a script of the engine's own client. */
  run(script: string, database: string): Promise<void>;
  drop(database: string): Promise<void>;
  create(tables: TableData[]): Promise<void>;
  append(tables: TableData[]): Promise<void>;
  /** Makes a database `large` that holds `shop` so many times; the second time nothing is left to do. */
  multiply(times: number): Promise<void>;
  stop(): Promise<void>;
}

const PASSWORD = 'bench-password';

export async function startMariadbEngine(folder: string, path: string): Promise<Engine> {
  const server = await startMariadb({
    folder: join(folder, 'mariadb'),
    init: [
      'CREATE DATABASE shop',
      'CREATE DATABASE large',
      `CREATE USER bench@'%' IDENTIFIED BY '${PASSWORD}'`,
      "GRANT ALL ON *.* TO bench@'%'",
      // For loading; a dump is read alike.
      'SET GLOBAL innodb_flush_log_at_trx_commit=0',
      'SET GLOBAL innodb_buffer_pool_size=268435456',
    ],
  });
  const env = { PATH: path, MYSQL_PWD: PASSWORD };
  const login = `--no-defaults --host=127.0.0.1 --port=${server.port} --user=bench`;
  const sql = (text: string) => sh(`mariadb ${login} --local-infile=1 -N shop -e "${text}"`, env);
  const load = (tables: TableData[]) =>
    inTurn(tables, ({ name, file }) => sql(`LOAD DATA LOCAL INFILE '${file}' INTO TABLE ${name}`));
  return {
    name: 'mariadb',
    version: (await sql('SELECT VERSION()')).trim(),
    dumpLine: (database) =>
      `MYSQL_PWD=${PASSWORD} mariadb-dump ${login} --single-transaction --quick --hex-blob --triggers --routines --events` +
      ` --default-character-set=utf8mb4 --max-allowed-packet=1G --skip-dump-date ${database}`,
    storedPath: '/mysql/shop.sql',
    agent: (database) => ({
      MYSQL_HOST: '127.0.0.1',
      MYSQL_PORT: String(server.port),
      MYSQL_DATABASE: database,
      MYSQL_USER: 'bench',
      MYSQL_PASSWORD: PASSWORD,
    }),
    loadLine: (database) => `MYSQL_PWD=${PASSWORD} mariadb ${login} ${database}`,
    createEmpty: async (database) => {
      await sql(`CREATE DATABASE ${database}`);
    },
    run: async (script, database) => {
      await sh(`mariadb ${login} ${database} <<'END'\n${script}\nEND`, env);
    },
    drop: async (database) => {
      await sql(`DROP DATABASE ${database}`);
    },
    create: async (tables) => {
      await inTurn(tables, ({ name, columns }) => sql(`CREATE TABLE ${name} (${columns}) ENGINE=InnoDB`));
      await load(tables);
    },
    append: load,
    multiply: async (times) => {
      const tables = (await sql('SHOW TABLES')).trim().split('\n');
      for (const copy of Array.from({ length: times }, (_, index) => index)) {
        await inTurn(tables, (name) =>
          sql(`CREATE TABLE IF NOT EXISTS large.${name}_${copy} AS SELECT * FROM shop.${name}`),
        );
      }
    },
    stop: () => server.stop(),
  };
}

export async function startPostgresEngine(folder: string, path: string): Promise<Engine> {
  const bin = newestPostgres();
  const home = join(folder, 'postgres');
  mkdirSync(home);
  const { as, uid, gid } = whom();
  if (uid !== null && gid !== null) chownSync(home, uid, gid);
  const env = { PATH: path };
  const data = join(home, 'data');
  await sh(
    `cd / && ${[...as, join(bin, 'initdb')].join(' ')} -D ${data} -U bench --auth=trust --no-sync`,
    env,
  );
  const port = await freePort();
  const [command = '', ...args] = [
    ...as,
    join(bin, 'postgres'),
    ...['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', ''],
    ...['-c', 'fsync=off', '-c', 'shared_buffers=256MB', '-c', 'max_wal_size=2GB'],
    // A dump of ten thousand tables locks them all.
    ...['-c', 'max_locks_per_transaction=256'],
  ];
  const server = startChild(command, args, env);
  await waitUntil('PostgreSQL to listen', () => isListening(port), 30);
  const login = `-h 127.0.0.1 -p ${port} -U bench`;
  const sql = (text: string, database = 'shop') =>
    sh(`${bin}/psql -XAtq -v ON_ERROR_STOP=1 ${login} -d ${database} -c "${text}"`, env);
  await sql('CREATE DATABASE shop', 'postgres');
  const load = (tables: TableData[]) =>
    inTurn(tables, ({ name, file }) => sql(`\\copy ${name} FROM '${file}'`));
  return {
    name: 'postgres',
    version: (await sql('SHOW server_version')).trim(),
    dumpLine: (database) => `${bin}/pg_dump ${login} --format=custom --compress=0 --no-password ${database}`,
    storedPath: '/postgres/shop.dump',
    agent: (database) => ({ DATABASE_URL: `postgresql://bench:none@127.0.0.1:${port}/${database}` }),
    loadLine: (database) => `${bin}/pg_restore ${login} --exit-on-error --no-owner --no-acl -d ${database}`,
    createEmpty: async (database) => {
      await sql(`CREATE DATABASE ${database}`);
    },
    run: async (script, database) => {
      await sh(`${bin}/psql -XAtq -v ON_ERROR_STOP=1 ${login} -d ${database} <<'END'\n${script}\nEND`, env);
    },
    drop: async (database) => {
      await sql(`DROP DATABASE ${database}`);
    },
    create: async (tables) => {
      await inTurn(tables, ({ name, columns }) => sql(`CREATE TABLE ${name} (${columns})`));
      await load(tables);
    },
    append: load,
    multiply: () => Promise.reject(new Error('the large dump is taken of MariaDB')),
    stop: () => server.stop('SIGINT'),
  };
}

async function inTurn<T>(things: T[], act: (thing: T) => Promise<unknown>): Promise<void> {
  for (const thing of things) await act(thing);
}

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
function whom(): { as: string[]; uid: number | null; gid: number | null } {
  if (process.getuid?.() !== 0) return { as: [], uid: null, gid: null };
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const as = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];
  return { as, uid: id('-u'), gid: id('-g') };
}

function newestPostgres(): string {
  const root = '/usr/lib/postgresql';
  const majors = existsSync(root) ? readdirSync(root).map(Number) : [];
  const [newest] = majors
    .filter((major) => existsSync(join(root, String(major), 'bin', 'initdb')))
    .sort((one, other) => other - one);
  if (newest === undefined) throw new Error(`there is no PostgreSQL server below ${root}`);
  return join(root, String(newest), 'bin');
}
