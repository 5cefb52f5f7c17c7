import { join } from 'node:path';
import pg from 'pg';
import type { SourceSubject } from '../contracts/source.ts';
import { createSource } from '../../agent/sources/create.ts';
import { postgresConfig, testDeps } from './sources.ts';
import type { TestServer } from './server.ts';

/** PostgreSQL as the contract needs it. */
export function postgresSubject(server: TestServer): SourceSubject {
  const deps = testDeps(join(server.folder, 'runtime'));
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  return {
    engine: 'postgres',
    programs: { dump: 'pg_dump', load: 'pg_restore' },
    runtimeDir: deps.runtimeDir,
    quote,
    sql: (text, database) => server.sql(text, database),
    source: (database, { idleTimeoutMs, ...more } = {}) =>
      createSource(postgresConfig({ port: server.port, database, ...more }), {
        ...deps,
        ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      }),
    createDatabase: async (database) => {
      await server.sql(`CREATE DATABASE ${quote(database)}`);
    },
    createNasty: async (database) => {
      await server.sql(
        `CREATE DATABASE ${quote(database)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'`,
      );
      await server.sql(NASTY, database);
    },
    createLarge: async (database, bytes) => {
      await server.sql(`CREATE DATABASE ${quote(database)}`);
      await server.sql(
        `CREATE TABLE t (id int PRIMARY KEY, x text);
         INSERT INTO t SELECT i, rpad(md5(i::text), 990, md5((i * 7)::text)) FROM generate_series(1, ${Math.round(bytes / 1000)}) i`,
        database,
      );
    },
    dropDatabase: async (database) => {
      await server.sql(`DROP DATABASE IF EXISTS ${quote(database)} WITH (FORCE)`);
    },
    lockTable: async (database) => {
      const { host, port } = server;
      const holder = new pg.Client({ host, port, ...server.admin, database, application_name: 'the tests' });
      await holder.connect();
      await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
      return () => holder.end();
    },
    dumpSessions: async () => (await dumpSessions(server)).length,
    endDumpSessions: async () => {
      for (const pid of await dumpSessions(server)) await server.sql(`SELECT pg_terminate_backend(${pid})`);
    },
    fingerprint: (database) => fingerprint(server, database),
  };
}

async function dumpSessions(server: TestServer): Promise<number[]> {
  const rows = await server.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast'");
  return rows.map(({ pid }) => Number(pid));
}

async function fingerprint(server: TestServer, database: string): Promise<string> {
  const user = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'`;
  const lists = [
    `SELECT n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind <> 'i' AND ${user} ORDER BY 1, 2, a.attnum`,
    `SELECT pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('v', 'm') AND ${user} ORDER BY 1`,
    `SELECT pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind = 'i' AND ${user} ORDER BY 1`,
    `SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE prokind <> 'a' AND probin IS NULL AND ${user} ORDER BY 1`,
    `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`,
    `SELECT conname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE ${user} ORDER BY 1, 2`,
    `SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2`,
    `SELECT typname, enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid ORDER BY 1, enumsortorder`,
    `SELECT extname, extversion FROM pg_extension ORDER BY 1`,
    `SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1`,
    `SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1`,
    `SELECT obj_description(c.oid) FROM pg_class c WHERE obj_description(c.oid) IS NOT NULL AND c.oid > 16383 ORDER BY 1`,
    `SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()`,
  ];
  const client = new pg.Client({
    host: server.host,
    port: server.port,
    ...server.admin,
    database,
    application_name: 'the tests',
  });
  await client.connect();
  try {
    const lines: string[] = [];
    for (const list of lists)
      lines.push(...(await client.query(list)).rows.map((row) => JSON.stringify(row)));
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relkind IN ('r', 'm') AND ${user} ORDER BY 1`,
    );
    for (const { name } of tables.rows) {
      const { rows } = await client.query(
        `SELECT count(*), sum(hashtextextended(x::text, 0)) FROM ONLY ${name} x`,
      );
      lines.push(`${name} ${JSON.stringify(rows)}`);
    }
    return lines.join('\n');
  } finally {
    await client.end();
  }
}

const NASTY = String.raw`
CREATE EXTENSION citext;
CREATE SCHEMA "Ten ant";
CREATE TYPE mood AS ENUM ('sad', 'glücklich');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION double_it(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a * 2; -- ; comment';
CREATE TABLE "Customer" (
  id bigserial PRIMARY KEY, name text NOT NULL, shout text GENERATED ALWAYS AS (upper(name)) STORED, n int GENERATED BY DEFAULT AS IDENTITY,
  picture bytea, doc jsonb, feeling mood, price numeric(30, 10), at timestamptz, list int[], words tsvector, place point, span int4range, code citext UNIQUE,
  friend bigint REFERENCES "Customer" (id), CHECK (double_it(n) > 1));
COMMENT ON TABLE "Customer" IS 'it''s; a "comment" -- \unrestrict x';
CREATE TABLE "Ten ant"."Or""der's" (id int PRIMARY KEY, "cus tomer" bigint REFERENCES public."Customer" (id) ON DELETE CASCADE);
CREATE TABLE nothing ();
CREATE UNLOGGED TABLE fleeting (id int);
CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_2020 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parent (a int);
CREATE TABLE child (b int) INHERITS (parent);
INSERT INTO "Customer" (name, picture, doc, feeling, price, at, list, words, place, span, code) VALUES
  (E'Zoë 😀 \\ '' " \n\t\\.\n%', '\x00ff27225c0a0d1a', '{"a": [1, null, "ü"]}', 'glücklich', -12345678901234567890.0123456789, '2020-02-29 23:59:59.123456+00', '{1,NULL,3}', 'a:1 b:2', '(1.5,-2.25)', '[1,5)', 'ABC'),
  ('', '', NULL, NULL, 'NaN', '-infinity', '{}', NULL, NULL, 'empty', NULL), (E'\\.', NULL, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, NULL, NULL);
UPDATE "Customer" SET friend = 2;
INSERT INTO "Ten ant"."Or""der's" VALUES (1, 1), (2, NULL);
INSERT INTO parted VALUES (1, '2020-06-01');
INSERT INTO fleeting VALUES (1);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 3);
CREATE VIEW names AS SELECT id, name, double_it(n) AS d FROM "Customer";
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS c FROM "Customer";
CREATE INDEX ON "Customer" (lower(name)) WHERE n > 0;
CREATE PROCEDURE "Many lines"(INOUT a text) LANGUAGE plpgsql AS $$
BEGIN
  /* \! touch pwned */
  a := a || '
\connect nowhere
';
END $$;
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := NEW.name || '!'; RETURN NEW; END$$;
CREATE TRIGGER before BEFORE INSERT ON "Customer" FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION watch();
CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TABLE guarded (id int, owner text);
INSERT INTO guarded VALUES (1, 'x'), (2, 'y');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (owner = current_user);
CREATE PUBLICATION paper FOR TABLE "Customer";
SELECT lo_from_bytea(0, '\xdeadbeef00ff');
SELECT lo_from_bytea(0, '\x');
`;
