import { createMysqlSource } from '../../agent/sources/mysql/mysql.ts';
import { createPostgresSource } from '../../agent/sources/postgres/postgres.ts';
import type { Source } from '../../agent/sources/source.ts';
import { DEFAULT_TOOLS } from '../../agent/sources/tools.ts';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import { createPostgresShop } from './postgres-shop.ts';
import type { TestServer } from './server.ts';
import { createShop, type Shop } from './shop.ts';
import { mysqlConfig, postgresConfig, testDeps } from './sources.ts';

/** What a test of the whole agent needs to know of a database's kind. */
export interface TestEngine {
  name: string;
  dumpProgram: string;
  /** How the dump client's question for the rows of `orders` reads, and how the load client begins to send them. */
  asksForOrders: RegExp;
  sendsOrders: RegExp;
  /** What ends a server at once, and leaves its data as a power loss would. */
  crashSignal: NodeJS.Signals;
  start(): Promise<TestServer>;
  createShop(server: TestServer, rows: number, port?: number): Promise<Shop>;
  /** What reaches the shop by another password, port or host, or by TLS alone. */
  otherwise(
    shop: Shop,
    choice: { password?: string; port?: number; host?: string; tls?: true },
  ): Record<string, string>;
  /** A right without which a dump would be smaller, to take away and give back; and how the refusal reads. */
  right: { take(shop: Shop): string; give(shop: Shop): string; refusal: RegExp };
  /** Statements that leave the database with nothing in it. */
  emptied: string;
  /** Ends every session that works in the database. */
  endSessions(server: TestServer, database: string): Promise<void>;
  /** Lets the agent's user restore over its own database; a PostgreSQL that may empty it may swap it too. */
  allowRestore(server: TestServer, shop: Shop, how: 'in place' | 'by swap'): Promise<void>;
  /** Rows and a checksum of every table: equal exactly when the contents are. */
  contents(server: TestServer, database: string): Promise<Record<string, unknown>[]>;
  /** Names and definitions of what is in a database beside its tables. */
  programs(server: TestServer, database: string): Promise<Record<string, unknown>[]>;
  /** How many sessions of the agent's user there are. */
  sessions(server: TestServer, shop: Shop): Promise<number>;
  /** Names of the databases on a server, those of the engine itself among them. */
  databases(server: TestServer): Promise<string[]>;
  /** The address of a server for its administrator, as a scratch server is named. */
  address(server: TestServer): string;
  /** The shop as a source in this process, for its administrator. */
  source(server: TestServer, shop: Shop): Source;
}

const deps = () => ({ ...testDeps(), tools: DEFAULT_TOOLS, idleTimeoutMs: 60_000 });

export const mariadb: TestEngine = {
  name: 'MariaDB',
  dumpProgram: 'mariadb-dump',
  asksForOrders: /SELECT [^;]*FROM `orders`/,
  sendsOrders: /INSERT INTO `orders`/,
  crashSignal: 'SIGKILL',
  start: () => startMariadb(),
  createShop,
  otherwise: (_, { password, port, host, tls }) => ({
    ...(password === undefined ? {} : { MYSQL_PASSWORD: password }),
    ...(port === undefined ? {} : { MYSQL_PORT: String(port) }),
    ...(host === undefined ? {} : { MYSQL_HOST: host }),
    ...(tls === undefined ? {} : { MYSQL_TLS: 'required' }),
  }),
  right: {
    take: ({ database, user }) => `REVOKE TRIGGER ON ${database}.* FROM ${user}@'%'`,
    give: ({ database, user }) => `GRANT TRIGGER ON ${database}.* TO ${user}@'%'`,
    refusal: /triggers[\s\S]*GRANT TRIGGER/,
  },
  emptied: 'DROP TABLE customers, orders; DROP VIEW totals; DROP PROCEDURE answer',
  endSessions: async (server, database) => {
    const sessions = await server.sql(
      `SELECT id FROM information_schema.processlist WHERE db = '${database}' AND id <> CONNECTION_ID()`,
    );
    // One that has ended by itself meanwhile cannot be killed.
    for (const { id } of sessions) await server.sql(`KILL ${Number(id)}`).catch(() => undefined);
  },
  allowRestore: async (server, { database, user }, how) => {
    await server.sql(`GRANT ALL ON ${database}.* TO ${user}@'%'`);
    if (how === 'in place') return;
    await server.sql(
      `GRANT ALL ON \`${database}\\_before\\_%\`.* TO ${user}@'%'; GRANT SET USER ON *.* TO ${user}@'%'`,
    );
  },
  contents: async (server, database) => {
    const tables = await server.sql(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${database}' AND table_type = 'BASE TABLE' ORDER BY 1`,
    );
    if (tables.length === 0) return [];
    const names = tables.map(({ name }) => `\`${String(name)}\``).join(', ');
    return server.sql(`CHECKSUM TABLE ${names} EXTENDED`, database);
  },
  programs: (server, database) =>
    server.sql(
      `SELECT trigger_name AS name, action_statement AS text FROM information_schema.triggers WHERE trigger_schema = '${database}'
       UNION ALL SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = '${database}'
       UNION ALL SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = '${database}' ORDER BY name`,
    ),
  sessions: async (server, { user }) =>
    (await server.sql(`SELECT id FROM information_schema.processlist WHERE user = '${user}'`)).length,
  databases: async (server) =>
    (await server.sql('SHOW DATABASES')).map((row) => String(Object.values(row)[0])),
  address: ({ admin, port }) => `mysql://${admin.user}:${admin.password}@127.0.0.1:${port}/mysql`,
  source: ({ port }, { database }) =>
    createMysqlSource(mysqlConfig({ name: database, database, port }), deps()),
};

export const postgres: TestEngine = {
  name: 'PostgreSQL',
  dumpProgram: 'pg_dump',
  asksForOrders: /COPY public\.orders /,
  sendsOrders: /COPY public\.orders .* FROM stdin/,
  // An immediate shutdown.
  crashSignal: 'SIGQUIT',
  start: () => startPostgres(),
  createShop: createPostgresShop,
  otherwise: ({ environment }, { password, port, host, tls }) => {
    const url = new URL(environment['DATABASE_URL'] ?? '');
    url.password = password ?? url.password;
    url.port = port === undefined ? url.port : String(port);
    url.hostname = host ?? url.hostname;
    if (tls === true) url.searchParams.set('sslmode', 'require');
    return { DATABASE_URL: url.href };
  },
  right: {
    take: ({ user }) => `REVOKE pg_read_all_data FROM ${user}`,
    give: ({ user }) => `GRANT pg_read_all_data TO ${user}`,
    refusal: /orders[\s\S]*GRANT /,
  },
  emptied: 'DROP TABLE customers, orders, visits CASCADE',
  endSessions: async (server, database) => {
    await server.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
      'postgres',
    );
  },
  allowRestore: async (server, { database, user }) => {
    await server.sql(`ALTER DATABASE ${database} OWNER TO ${user}; GRANT pg_signal_backend TO ${user}`);
    const owned = ['TABLE orders', 'TABLE customers', 'TABLE visits', 'VIEW totals'];
    await server.sql(owned.map((object) => `ALTER ${object} OWNER TO ${user};`).join(' '), database);
  },
  contents: async (server, database) => {
    const tables = await server.sql(
      `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
      database,
    );
    const each = tables.map(
      ({ name }) =>
        `SELECT '${String(name)}' AS name, count(*) AS rows, sum(hashtextextended(t::text, 0)) AS sum FROM ${String(name)} t`,
    );
    return each.length === 0 ? [] : server.sql(each.join(' UNION ALL '), database);
  },
  programs: (server, database) =>
    server.sql(
      `SELECT viewname AS name, definition AS text FROM pg_views WHERE schemaname = 'public' ORDER BY 1`,
      database,
    ),
  sessions: async (server, { user }) =>
    (await server.sql(`SELECT FROM pg_stat_activity WHERE usename = '${user}'`)).length,
  databases: async (server) =>
    (await server.sql('SELECT datname AS name FROM pg_database')).map(({ name }) => String(name)),
  address: ({ admin, port }) => `postgresql://${admin.user}:${admin.password}@127.0.0.1:${port}/postgres`,
  source: ({ port }, { database }) =>
    createPostgresSource(postgresConfig({ name: database, database, port }), deps()),
};
