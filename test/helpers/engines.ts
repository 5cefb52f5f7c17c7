import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import { createPostgresShop } from './postgres-shop.ts';
import type { TestServer } from './server.ts';
import { createShop, type Shop } from './shop.ts';

/** What a test of the whole agent needs to know of a database's kind. */
export interface TestEngine {
  name: string;
  dumpProgram: string;
  /** How the dump client's question for the rows of `orders` reads. */
  asksForOrders: RegExp;
  /** What ends a server at once, and leaves its data as a power loss would. */
  crashSignal: NodeJS.Signals;
  start(): Promise<TestServer>;
  createShop(server: TestServer, rows: number, port?: number): Promise<Shop>;
  /** What reaches the shop by another password or port. */
  otherwise(shop: Shop, choice: { password?: string; port?: number }): Record<string, string>;
  /** A right without which a dump would be smaller, to take away and give back; and how the refusal reads. */
  right: { take(shop: Shop): string; give(shop: Shop): string; refusal: RegExp };
  /** Statements that leave the database with nothing in it. */
  emptied: string;
  /** Ends every session that works in the database. */
  endSessions(server: TestServer, database: string): Promise<void>;
}

export const mariadb: TestEngine = {
  name: 'MariaDB',
  dumpProgram: 'mariadb-dump',
  asksForOrders: /SELECT [^;]*FROM `orders`/,
  crashSignal: 'SIGKILL',
  start: () => startMariadb(),
  createShop,
  otherwise: (_, { password, port }) => ({
    ...(password === undefined ? {} : { MYSQL_PASSWORD: password }),
    ...(port === undefined ? {} : { MYSQL_PORT: String(port) }),
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
    for (const { id } of sessions) await server.sql(`KILL ${Number(id)}`);
  },
};

export const postgres: TestEngine = {
  name: 'PostgreSQL',
  dumpProgram: 'pg_dump',
  asksForOrders: /COPY public\.orders /,
  // An immediate shutdown.
  crashSignal: 'SIGQUIT',
  start: () => startPostgres(),
  createShop: createPostgresShop,
  otherwise: ({ environment }, { password, port }) => {
    const url = new URL(environment['DATABASE_URL'] ?? '');
    url.password = password ?? url.password;
    url.port = port === undefined ? url.port : String(port);
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
};
