import { readFile } from 'node:fs/promises';
import { connect as connectTo, type Socket } from 'node:net';
import type { Connection, ConnectionOptions, RowDataPacket } from 'mysql2/promise';
import type { MysqlSourceConfig } from '../../config/config.ts';
import { HoldfastError } from '../../core/errors.ts';
import { within } from '../deadline.ts';
import { connectError } from './errors.ts';

export type Flavour = 'mysql' | 'mariadb';

/** An open connection to the source's server, with no database chosen. */
export interface MysqlSession {
  readonly flavour: Flavour;
  /** As the server tells it. */
  readonly version: string;
  /** `user@host` of the account that the server took us for. */
  readonly account: string;
  /** Whether the connection is under TLS. */
  readonly encrypted: boolean;
  /** Rows of one statement, columns by name; numbers beyond 2^53 come as strings. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A server that is gone without a word is noticed so. */
const KEEP_ALIVE_MS = 60_000;
/** Counting a table may take long; what hangs longer than this is broken. */
const SESSION_TIMEOUT_MS = 60 * 60_000;

/**
 * Connects, does the work, disconnects. Throws `source_unreachable` or `source_denied` when there is no way in,
 * `interrupted` when the signal ends it.
 */
export async function withMysqlSession<T>(
  config: MysqlSourceConfig,
  options: { signal: AbortSignal; caFile: string; timeoutMs?: number },
  work: (session: MysqlSession) => Promise<T>,
): Promise<T> {
  const held: { connection?: Connection } = {};
  const limits = { signal: options.signal, timeoutMs: options.timeoutMs ?? SESSION_TIMEOUT_MS };
  return within(
    `the connection to ${config.name}`,
    limits,
    () => abandon(config, options.caFile, held.connection),
    async () => {
      const { connection, encrypted } = await connect(config, options.caFile);
      held.connection = connection;
      // A server that goes away between two statements must not end the agent; the next statement says it.
      connection.on('error', () => undefined);
      if (options.signal.aborted) connection.destroy();
      try {
        return await work(await describe(connection, encrypted));
      } finally {
        await connection.end().catch(() => connection.destroy());
      }
    },
  );
}

/** The server would go on with the statement of a connection that is gone: it is told to stop, and nobody waits for that. */
function abandon(config: MysqlSourceConfig, caFile: string, connection: Connection | undefined): void {
  if (connection === undefined) return;
  const id = connection.threadId;
  connection.destroy();
  const kill = async () => {
    const { connection: other } = await connect(config, caFile);
    other.on('error', () => undefined);
    await other.query(`KILL ${id}`).finally(() => other.destroy());
  };
  // It may be gone already, and so may the server.
  void kill().catch(() => undefined);
}

async function describe(connection: Connection, encrypted: boolean): Promise<MysqlSession> {
  const query = async (sql: string, values: unknown[] = []) => {
    const [rows] = await connection.query<RowDataPacket[]>(sql, values);
    return Array.isArray(rows) ? rows : [];
  };
  // A server may be set to ANSI_QUOTES or NO_BACKSLASH_ESCAPES, under which neither we nor SHOW GRANTS would mean what we say.
  await query("SET SESSION sql_mode = ''");
  const [row] = await query('SELECT VERSION() AS version, CURRENT_USER() AS account');
  const version = String(row?.version);
  const flavour = /mariadb/i.test(version) ? 'mariadb' : 'mysql';
  return { flavour, version, account: String(row?.account), encrypted, query };
}

async function connect(
  config: MysqlSourceConfig,
  caFile: string,
): Promise<{ connection: Connection; encrypted: boolean }> {
  // Loaded when it is needed: an agent at rest does without its memory.
  const { createConnection } = await import('mysql2/promise');
  const plain = config.tls === 'off' || config.host.startsWith('/');
  const verify = config.tls === 'verify';
  const ssl = { rejectUnauthorized: verify, verifyIdentity: verify, ...(await authorities(config, caFile)) };
  try {
    if (plain) return { connection: await createConnection(connectOptions(config)), encrypted: false };
    return { connection: await createConnection({ ...connectOptions(config), ssl }), encrypted: true };
  } catch (error) {
    if (config.tls !== 'preferred' || !lacksTls(error)) throw connectError(config, error);
  }
  try {
    return { connection: await createConnection(connectOptions(config)), encrypted: false };
  } catch (error) {
    throw connectError(config, error);
  }
}

function connectOptions(config: MysqlSourceConfig): ConnectionOptions {
  const where = config.host.startsWith('/')
    ? { socketPath: config.host }
    : { host: config.host, port: config.port, stream: () => socketTo(config) };
  return {
    ...where,
    user: config.user,
    password: config.password,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    dateStrings: true,
    multipleStatements: false,
  };
}

/**
 * mysql2 tells TLS which name the certificate is to be for, and where the host is an address, nothing: Node then takes what the socket
 * bears, and without that would look for `localhost`.
 */
function socketTo({ host, port }: MysqlSourceConfig): Socket {
  return Object.assign(connectTo(port, host).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS), {
    _host: host,
  });
}

async function authorities(config: MysqlSourceConfig, caFile: string): Promise<{ ca?: string }> {
  if (config.tls !== 'verify') return {};
  try {
    return { ca: await readFile(caFile, 'utf8') };
  } catch (cause) {
    throw new HoldfastError('configuration', `cannot read the certificate authorities in ${caFile}`, {
      cause,
    });
  }
}

function lacksTls(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'HANDSHAKE_NO_SSL_SUPPORT';
}
