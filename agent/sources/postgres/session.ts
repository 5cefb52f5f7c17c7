import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { PostgresSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { within } from '../deadline.ts';
import { errorFields } from '../error-fields.ts';
import { copyIn } from './copy-in.ts';
import { codeOf, connectError } from './errors.ts';
import { lendConnection, type WayIn } from './lend-connection.ts';

/** An open connection to one database of the source's server. */
export interface PostgresSession {
  /** As the server tells it, for example `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
  readonly major: number;
  /** The database that it is connected to. */
  readonly database: string;
  /** The role that the connection acts as. */
  readonly user: string;
  /** Rows of one statement, columns by name; bigint and numeric come as strings. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Runs what is one statement; a text of several is refused by the server, and none of it is run. */
  queryOne(sql: string): Promise<void>;
  /** Runs one `COPY … FROM stdin` with these bytes; throws what the server says, or what `rows` threw. */
  copyIn(sql: string, rows: AsyncIterable<Buffer>): Promise<void>;
  /** Lets a program of libpq work in this very transaction, and takes back its settings (lend-connection.ts). */
  lend<T>(runtimeDir: string, work: (way: WayIn) => Promise<T>): Promise<T>;
}

export interface SessionOptions {
  signal: AbortSignal;
  caFile: string;
  /** The source's own when left out. */
  database?: string;
  timeoutMs?: number | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Counting a table may take long; what hangs longer than this is broken. */
const SESSION_TIMEOUT_MS = 60 * 60_000;

/**
 * Connects, does the work, disconnects. Throws `source_unreachable` or `source_denied` when there is no way in,
 * `interrupted` when the signal ends it.
 */
export async function withPostgresSession<T>(
  config: PostgresSourceConfig,
  options: SessionOptions,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const held: { client?: pg.Client } = {};
  const limits = { signal: options.signal, timeoutMs: options.timeoutMs ?? SESSION_TIMEOUT_MS };
  const close = () => void held.client?.end().catch(() => undefined);
  return within(`the connection to ${config.name}`, limits, close, async () => {
    const client = await connect(config, options);
    held.client = client;
    try {
      if (options.signal.aborted) throw new HoldfastError('interrupted', 'interrupted');
      return await work(await describe(client));
    } finally {
      await client.end().catch(() => undefined);
    }
  });
}

/** Like it, on a database from which others can be created and dropped: never `target` itself. */
export async function withAdminSession<T>(
  config: PostgresSourceConfig,
  target: string,
  options: SessionOptions,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const databases = [config.database, 'postgres', 'template1'].filter((name) => name !== target);
  for (const [i, database] of databases.entries()) {
    try {
      return await withPostgresSession(config, { ...options, database }, work);
    } catch (error) {
      const elsewhere =
        error instanceof HoldfastError && error.kind === 'source_denied' && i < databases.length - 1;
      if (!elsewhere) throw error;
    }
  }
  throw new HoldfastError('source_denied', `there is no database to connect to beside ${target}`);
}

async function describe(client: pg.Client): Promise<PostgresSession> {
  const query = async (sql: string, values: unknown[] = []) =>
    (await client.query<Record<string, unknown>>(sql, values)).rows;
  const [row] = await query(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
      current_database()::text AS database, current_user::text AS role`,
  );
  const major = Number(row?.major);
  // The names in our statements must mean what they say, no limit of the server's own may end what waits for somebody else in between,
  // and a forgotten connection must not wait for ever.
  const settings = [
    'search_path = pg_catalog',
    'statement_timeout = 0',
    'idle_in_transaction_session_timeout = 0',
    "lock_timeout = '30s'",
    ...(major >= 14 ? ["client_connection_check_interval = '1s'"] : []),
    ...(major >= 17 ? ['transaction_timeout = 0'] : []),
  ];
  const set = async () => {
    for (const setting of settings) await query(`SET ${setting}`);
  };
  await set();
  return {
    version: String(row?.version),
    major,
    database: String(row?.database),
    user: String(row?.role),
    query,
    queryOne: async (sql) => {
      // The protocol that binds values takes one statement only.
      const one: pg.QueryConfig & { queryMode: 'extended' } = { text: sql, queryMode: 'extended' };
      await client.query(one);
    },
    copyIn: (sql, rows) => copyIn(client, sql, rows),
    lend: async (runtimeDir, work) => {
      const done = await lendConnection(client, runtimeDir, work);
      await query('RESET ALL');
      await set();
      return done;
    },
  };
}

async function connect(config: PostgresSourceConfig, options: SessionOptions): Promise<pg.Client> {
  const database = options.database ?? config.database;
  const ssl = await tlsOptions(config, options.caFile);
  try {
    return await open(config, database, ssl);
  } catch (error) {
    const optional = config.sslMode === 'prefer' || config.sslMode === 'allow';
    if (!optional || !lacksTls(error)) throw connectError(config, database, error);
  }
  try {
    return await open(config, database, false);
  } catch (error) {
    throw connectError(config, database, error);
  }
}

async function open(
  config: PostgresSourceConfig,
  database: string,
  ssl: pg.ClientConfig['ssl'],
): Promise<pg.Client> {
  // Loaded when it is needed: an agent at rest does without its memory.
  const { Client } = (await import('pg')).default;
  const client = new Client({
    host: config.host,
    port: config.port,
    user: config.user,
    password: config.password,
    database,
    ssl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'holdfast',
  });
  // A server that goes away between two statements must not end the agent; the next statement says it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

async function tlsOptions(config: PostgresSourceConfig, caFile: string): Promise<pg.ClientConfig['ssl']> {
  if (config.sslMode === 'disable' || config.host.startsWith('/')) return false;
  if (config.sslMode !== 'verify-ca' && config.sslMode !== 'verify-full')
    return { rejectUnauthorized: false };
  try {
    const ca = await readFile(caFile, 'utf8');
    return config.sslMode === 'verify-full' ? { ca } : { ca, checkServerIdentity: () => undefined };
  } catch (cause) {
    throw new HoldfastError('configuration', `cannot read the certificate authorities in ${caFile}`, {
      cause,
    });
  }
}

/** No TLS on the server, or pg_hba.conf has a line for plain connections only. */
function lacksTls(error: unknown): boolean {
  return errorFields(error).message.includes('does not support SSL') || codeOf(error) === '28000';
}
