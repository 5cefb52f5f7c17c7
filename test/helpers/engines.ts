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
  /** Statements that give a shop the kinds of programs that it lacks; null for none. */
  morePrograms: string | null;
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
  /** Names and definitions of all that is in a database: tables with their columns, indexes and constraints, views, routines, triggers and more. */
  definitions(server: TestServer, database: string): Promise<Record<string, unknown>[]>;
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
  morePrograms: null,
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
  definitions: (server, database) => server.sql(MARIADB_DEFINITIONS, database),
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
  morePrograms: `
    CREATE FUNCTION marked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := NEW.name || '!'; RETURN NEW; END $$;
    CREATE TRIGGER marked BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION marked()`,
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
    const more = (await server.sql(`SELECT to_regproc('marked') AS name`, database))[0]?.['name'] !== null;
    const owned = ['TABLE orders', 'TABLE customers', 'TABLE visits', 'VIEW totals'];
    if (more) owned.push('FUNCTION marked()');
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
  definitions: (server, database) => server.sql(POSTGRES_DEFINITIONS, database),
  sessions: async (server, { user }) =>
    (await server.sql(`SELECT FROM pg_stat_activity WHERE usename = '${user}'`)).length,
  databases: async (server) =>
    (await server.sql('SELECT datname AS name FROM pg_database')).map(({ name }) => String(name)),
  address: ({ admin, port }) => `postgresql://${admin.user}:${admin.password}@127.0.0.1:${port}/postgres`,
  source: ({ port }, { database }) =>
    createPostgresSource(postgresConfig({ name: database, database, port }), deps()),
};

/** Without definers: who restores may become the definer. */
const MARIADB_DEFINITIONS = `
  SELECT 'column' AS kind, CONCAT_WS('.', table_name, column_name) AS name,
    CONCAT_WS(' ', ordinal_position, column_type, collation_name, is_nullable, column_default, extra) AS text
    FROM information_schema.columns WHERE table_schema = DATABASE()
  UNION ALL SELECT 'index', CONCAT_WS('.', table_name, index_name, seq_in_index), CONCAT_WS(' ', column_name, non_unique, index_type)
    FROM information_schema.statistics WHERE table_schema = DATABASE()
  UNION ALL SELECT 'constraint', CONCAT_WS('.', table_name, constraint_name), constraint_type
    FROM information_schema.table_constraints WHERE constraint_schema = DATABASE()
  UNION ALL SELECT 'view', table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()
  UNION ALL SELECT 'trigger', trigger_name, CONCAT_WS(' ', action_timing, event_manipulation, event_object_table, action_statement)
    FROM information_schema.triggers WHERE trigger_schema = DATABASE()
  UNION ALL SELECT routine_type, routine_name, CONCAT_WS(' ', security_type, routine_definition)
    FROM information_schema.routines WHERE routine_schema = DATABASE()
  UNION ALL SELECT 'event', event_name, CONCAT_WS(' ', status, event_definition)
    FROM information_schema.events WHERE event_schema = DATABASE()
  ORDER BY 1, 2`;

const POSTGRES_DEFINITIONS = `
  WITH ours AS (SELECT oid, relname, relkind, relrowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace)
  SELECT 'column' AS kind, relname || '.' || attname AS name,
    concat_ws(' ', attnum, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) AS text
    FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'p', 'v', 'm')
  UNION ALL SELECT 'row security', relname, relrowsecurity::text FROM ours WHERE relkind IN ('r', 'p')
  UNION ALL SELECT 'view', relname, pg_get_viewdef(oid) FROM ours WHERE relkind IN ('v', 'm')
  UNION ALL SELECT 'index', relname, pg_get_indexdef(oid) FROM ours WHERE relkind IN ('i', 'I')
  UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'routine', proname, pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a'
  UNION ALL SELECT 'sequence', sequencename, concat_ws(' ', last_value, increment_by) FROM pg_sequences WHERE schemaname = 'public'
  ORDER BY 1, 2`;
