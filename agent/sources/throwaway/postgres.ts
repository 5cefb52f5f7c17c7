import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { PostgresSourceConfig } from '../../config/config.ts';
import { describeError, HoldfastError } from '../../core/errors.ts';
import { createDatabase } from '../postgres/databases.ts';
import { quoteIdentifier } from '../postgres/names.ts';
import { withPostgresSession, type PostgresSession } from '../postgres/session.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Source } from '../source.ts';
import { giveTo, initialize, startServer } from './launch.ts';
import { allowAmcheck, makeExtensions, requireExtensions } from './postgres-extensions.ts';
import { readSurroundings, UNKNOWN, type Surroundings } from './postgres-surroundings.ts';
import { noServer, versionSaid } from './version-of.ts';
import type { Kind, KindDeps, Where } from './kind.ts';

const BOSS = 'holdfast_administrator';
/** Who restores. A dump is a program that somebody else may have written: as a superuser it could run commands as the agent. */
const USER = 'holdfast';
const TIMEOUT_MS = 60_000;

/** The server of exactly the major that the dump came from. Throws `tool_missing` where there is none. */
export async function findPostgres(
  config: PostgresSourceConfig,
  deps: KindDeps,
  serverVersion: string,
  signal: AbortSignal,
): Promise<Kind> {
  const major = Number.parseInt(serverVersion, 10);
  const folders = deps.tools.postgresDirs.map((dir) => join(dir, String(major), 'bin'));
  const others: string[] = [];
  for (const program of [...folders.map((folder) => join(folder, 'postgres')), 'postgres']) {
    const said = await versionSaid(program, ['--version'], { processes: deps.processes, signal });
    const version = /\(PostgreSQL\) (\S+)/.exec(said ?? '')?.[1];
    if (version === undefined) continue;
    if (Number.parseInt(version, 10) !== major) others.push(`PostgreSQL ${version}`);
    else {
      return {
        called: `PostgreSQL ${version}`,
        users: ['postgres'],
        start: (where, started) => start(config, deps, program, where, started),
      };
    }
  }
  const image = major >= 14 && major <= 18 ? String(major) : null;
  throw noServer(`PostgreSQL ${major}`, { others, image, packages: `postgresql-${major}` });
}

async function start(
  config: PostgresSourceConfig,
  deps: KindDeps,
  program: string,
  { folder, user, extensions }: Where,
  signal: AbortSignal,
) {
  const [bossPassword, password] = [newPassword(), newPassword()];
  const secrets = [bossPassword, password];
  const data = join(folder, 'data');
  const file = await writePrivateFile(folder, '.password', bossPassword);
  await giveTo(user, [file.path]);
  const launch = { user, folder, endedBy: 'QUIT', secrets } as const;
  const initdb = program.includes('/') ? join(dirname(program), 'initdb') : 'initdb';
  const made = ['--username', BOSS, '--pwfile', file.path, '--auth=scram-sha-256', '--encoding=UTF8'];
  const args = [`--pgdata=${data}`, ...made, '--locale=C.UTF-8', '--no-sync'];
  await initialize(deps.processes, { ...launch, program: initdb, args }, signal);
  const running = await startServer(
    deps.processes,
    { ...launch, program, args: serverOptions(data, folder), ready: /ready to accept connections/ },
    signal,
  );
  try {
    const around = restrictedTo(extensions, await surroundingsOf(config, deps, signal));
    const there = {
      ...config,
      host: folder,
      port: 5432,
      database: 'postgres',
      sslMode: 'disable',
      caFile: null,
    } as const;
    const boss: PostgresSourceConfig = { ...there, user: BOSS, password: bossPassword };
    await inside(boss, deps, 'postgres', signal, (session) => settle(session, password, around));
    return { running, server: serverOf({ ...there, user: USER, password }, boss, deps, around) };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** The source on that server: an ordinary role's, but for what takes a superuser and runs nothing of the dump. */
function serverOf(
  config: PostgresSourceConfig,
  boss: PostgresSourceConfig,
  deps: KindDeps,
  around: Surroundings,
): Source {
  const server = deps.createSource({ ...config, verify: { server: null, queries: [] } });
  return {
    ...server,
    createDatabase: async (target, signal) => {
      await inside(config, deps, 'postgres', signal, (session) =>
        createDatabase(session, target, around.locale),
      ).catch((error: unknown) => {
        throw lackingLocale(error);
      });
      await inside(boss, deps, target, signal, (session) => makeExtensions(session, around.extensions, USER));
      return [];
    },
    examine: async (target, signal) => {
      // Without it the examination says that it is not run.
      await inside(boss, deps, target, signal, (session) => allowAmcheck(session, USER)).catch(
        () => undefined,
      );
      return server.examine(target, signal);
    },
  };
}

function lackingLocale(error: unknown): unknown {
  const { message } = describeError(error);
  if (!/locale|collation provider/i.test(message)) return error;
  return new HoldfastError('failed', `the throw-away server lacks the locale of the source: ${message}`, {
    hint: "Name a server that has it in VERIFY_SERVER (in the file: verify.server), or nothing there for the source's own.",
    cause: error,
  });
}

async function settle(session: PostgresSession, password: string, around: Surroundings): Promise<void> {
  // A table may hold its policies against its owner too.
  await session.query(`CREATE ROLE ${USER} LOGIN CREATEDB BYPASSRLS PASSWORD '${password}'`);
  await requireExtensions(session, around.extensions);
  // Policies name roles. None of these may do anything here.
  const taken = new Set([USER, BOSS]);
  for (const role of around.roles.filter((name) => !taken.has(name)))
    await session.query(`CREATE ROLE ${quoteIdentifier(role)}`);
}

/** What the source has got since the dump was taken would be a difference. */
function restrictedTo(names: string[] | null, around: Surroundings): Surroundings {
  if (names === null) return around;
  return { ...around, extensions: around.extensions.filter(({ name }) => names.includes(name)) };
}

/** What the source's server has and a dump does not bring; without the source, the restore finds out what is missing. */
function surroundingsOf(
  config: PostgresSourceConfig,
  deps: KindDeps,
  signal: AbortSignal,
): Promise<Surroundings> {
  return inside(config, deps, config.database, signal, (session) =>
    readSurroundings(session, config.database),
  ).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return UNKNOWN;
  });
}

function inside<T>(
  config: PostgresSourceConfig,
  { tools }: KindDeps,
  database: string,
  signal: AbortSignal,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const caFile = config.caFile ?? tools.caFile;
  return withPostgresSession(config, { signal, caFile, database, timeoutMs: TIMEOUT_MS }, work);
}

function newPassword(): string {
  return randomBytes(24).toString('hex');
}

/** Nothing in it is to outlive it, one client works in it, and others have the better right to memory and processors. */
function serverOptions(data: string, folder: string): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    unix_socket_permissions: '0700',
    max_connections: '20',
    // A dump of thousands of tables is restored in one transaction.
    max_locks_per_transaction: '4096',
    shared_buffers: '64MB',
    work_mem: '16MB',
    maintenance_work_mem: '64MB',
    dynamic_shared_memory_type: 'mmap',
    max_wal_size: '256MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    archive_mode: 'off',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    // One process that the kernel killed leaves nothing to be trusted.
    restart_after_crash: 'off',
    autovacuum: 'off',
    jit: 'off',
    max_parallel_workers: '0',
    max_parallel_maintenance_workers: '0',
    max_logical_replication_workers: '0',
    shared_preload_libraries: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    timezone: 'UTC',
  };
  return [
    '-D',
    data,
    '-p',
    '5432',
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}
