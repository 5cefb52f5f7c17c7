import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { SourceSubject } from '../contracts/source.ts';
import { createSource } from '../../agent/sources/create.ts';
import { mysqlConfig, testDeps } from './sources.ts';
import type { TestServer } from './server.ts';

/** MariaDB as the contract needs it. */
export function mariadbSubject(server: TestServer): SourceSubject {
  const deps = testDeps(join(server.folder, 'runtime'));
  const quote = (name: string) => `\`${name.replaceAll('`', '``')}\``;
  const sql = (text: string, database: string) => server.sql(text, database);
  return {
    engine: 'mariadb',
    programs: { dump: 'mariadb-dump', load: 'mariadb' },
    runtimeDir: deps.runtimeDir,
    quote,
    sql,
    source: (database, { idleTimeoutMs, ...more } = {}) =>
      createSource(mysqlConfig({ port: server.port, database, ...more }), {
        ...deps,
        ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      }),
    createDatabase: async (database) => {
      await server.sql(`CREATE DATABASE ${quote(database)} CHARACTER SET utf8mb4`);
    },
    createNasty: async (database) => {
      await server.sql(`CREATE DATABASE ${quote(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
      await server.sql(NASTY, database);
      // What was made under another collation is dumped between two ALTER DATABASE.
      await server.sql(`ALTER DATABASE ${quote(database)} COLLATE utf8mb4_bin`);
      await server.sql("CREATE PROCEDURE later() SELECT 'made under utf8mb4_bin'", database);
    },
    createLarge: async (database, bytes) => {
      const rows = Math.round(bytes / 1000);
      await server.sql(`CREATE DATABASE ${quote(database)} CHARACTER SET utf8mb4`);
      await server.sql(
        `CREATE TABLE t (id int PRIMARY KEY, x text CHARACTER SET latin1);
         INSERT INTO t SELECT seq, RPAD(MD5(seq), 990, MD5(seq * 7)) FROM seq_1_to_${rows}`,
        database,
      );
    },
    dropDatabase: async (database) => {
      await server.sql(`DROP DATABASE IF EXISTS ${quote(database)}`);
    },
    lockTable: async (database) => {
      await server.sql("CREATE OR REPLACE USER locker@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO locker@'%'");
      const { host, port } = server;
      const holder = await createConnection({ host, port, user: 'locker', password: 'x', database });
      await holder.query('LOCK TABLES t WRITE');
      return () => holder.end();
    },
    dumpSessions: async () => (await dumpSessions(server)).length,
    endDumpSessions: async () => {
      for (const id of await dumpSessions(server)) await server.sql(`KILL ${id}`);
    },
    fingerprint: (database) => fingerprint(server, database),
  };
}

/** The administrator of the tests comes by the socket: whoever came by TCP is a source's. */
async function dumpSessions(server: TestServer): Promise<number[]> {
  const rows = await server.sql("SELECT id FROM information_schema.processlist WHERE user = 'boss'");
  return rows.map(({ id }) => Number(id));
}

async function fingerprint(server: TestServer, database: string): Promise<string> {
  const tables = await server.sql(
    `SELECT table_name AS name, table_type AS type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY BINARY table_name`,
    database,
  );
  const lines: string[] = [];
  for (const { name, type } of tables) {
    const quoted = `\`${String(name).replaceAll('`', '``')}\``;
    const [created] = await server.sql(`SHOW CREATE TABLE ${quoted}`, database);
    lines.push(withoutDefiner(Object.values(created ?? {}).join('\n')));
    if (type !== 'VIEW') {
      const rows = await server.sql(`SELECT * FROM ${quoted} ORDER BY 1 LIMIT 2000`, database);
      const [count] = await server.sql(`SELECT COUNT(*) AS n FROM ${quoted}`, database);
      lines.push(`${JSON.stringify(rows)} of ${String(count?.n)}`);
    }
  }
  const programs = await server.sql(
    `SELECT routine_type AS a, routine_name AS b, routine_definition AS c, sql_mode AS d, CONCAT_WS(' ', collation_connection, database_collation, security_type, is_deterministic) AS e
      FROM information_schema.routines WHERE routine_schema = DATABASE()
     UNION ALL SELECT 'TRIGGER', trigger_name, action_statement, sql_mode, CONCAT_WS(' ', action_timing, event_manipulation, event_object_table, database_collation)
      FROM information_schema.triggers WHERE trigger_schema = DATABASE()
     UNION ALL SELECT 'EVENT', event_name, event_definition, sql_mode, CONCAT_WS(' ', interval_value, interval_field, starts, on_completion, database_collation)
      FROM information_schema.events WHERE event_schema = DATABASE()
     UNION ALL SELECT 'DATABASE', '', default_character_set_name, default_collation_name, ''
      FROM information_schema.schemata WHERE schema_name = DATABASE()
     ORDER BY 1, 2`,
    database,
  );
  return [...lines, ...programs.map((program) => JSON.stringify(program))]
    .join('\n')
    .replaceAll(`\`${database}\`.`, '');
}

function withoutDefiner(text: string): string {
  return text.replace(/DEFINER=`[^`]*`@`[^`]*` /g, '');
}

const NASTY = `
CREATE TABLE \`Customer\` (
  id int PRIMARY KEY AUTO_INCREMENT,
  name varchar(200) NOT NULL COMMENT 'it''s; a "comment" -- with /* all */',
  shout varchar(210) GENERATED ALWAYS AS (CONCAT(UPPER(name), '!')) STORED,
  twice int GENERATED ALWAYS AS (amount * 2) VIRTUAL,
  amount int NULL, picture longblob, doc json, mood enum('sad','glücklich'), price decimal(20,6), at timestamp(6) NULL,
  flags bit(9), place point, years year, zero varchar(10) DEFAULT '', friend int, INDEX (name(20)), FULLTEXT (name),
  CONSTRAINT \`self\` FOREIGN KEY (friend) REFERENCES \`Customer\` (id)
);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, log int NULL, FOREIGN KEY (customer) REFERENCES \`Customer\` (id) ON DELETE CASCADE);
CREATE TABLE log (id int PRIMARY KEY AUTO_INCREMENT, what text, orders int NULL, FOREIGN KEY (orders) REFERENCES orders (id));
ALTER TABLE orders ADD FOREIGN KEY (log) REFERENCES log (id);
CREATE TABLE \`na\`\`me with 'all' of "it" ключ\` (\`a b\` int, \`c\`\`d\` text) PARTITION BY HASH (\`a b\`) PARTITIONS 3;
CREATE TABLE nothing (id int);
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3;
SELECT NEXTVAL(numbers);
INSERT INTO \`Customer\` (name, amount, picture, doc, mood, price, at, flags, place, years) VALUES
  ('Zoë 😀 \\\\ '' " \\0 \\Z \\r \\n \\t %', 21, x'00ff27225c0a0d1a', '{"a": [1, null, "ü"]}', 'glücklich', -12345678901234.567891, '2020-02-29 23:59:59.123456', b'101010101', POINT(1.5, -2.25), 1999),
  ('', NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('\\n/*!50013 DEFINER=\`x\`@\`y\` SQL SECURITY DEFINER */\\nDELIMITER ;;\\nCREATE DEFINER=\`x\`@\`y\` PROCEDURE\\n/*!50003 CREATE*/ /*!50017 DEFINER=\`x\`@\`%\`*/', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE \`Customer\` SET friend = 2;
INSERT INTO orders VALUES (1, 1, NULL), (2, 3, NULL);
INSERT INTO \`na\`\`me with 'all' of "it" ключ\` VALUES (1, 'x'), (2, NULL), (NULL, 'USE mysql;');
CREATE TRIGGER \`before\` BEFORE INSERT ON orders FOR EACH ROW INSERT INTO log (what) VALUES (CONCAT('order ', NEW.id));
CREATE TRIGGER \`second\` BEFORE INSERT ON orders FOR EACH ROW FOLLOWS \`before\` SET NEW.log = NULL;
CREATE PROCEDURE \`Many lines\`(IN a int, OUT b text)
BEGIN
  -- a comment; with a semicolon
  /* USE nowhere; */
  DECLARE c text DEFAULT 'a string;
with a line; and ;; and \\\\ and ''';
  SET b = CONCAT(c, a);
END;
SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
CREATE PROCEDURE "ansi proc"() SELECT "name" || '!' FROM "Customer";
SET SESSION sql_mode = DEFAULT;
CREATE FUNCTION double_it(a int) RETURNS int DETERMINISTIC RETURN a * 2;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 03:00:00' COMMENT 'at night; ENABLE' DO INSERT INTO log (what) VALUES ('night');
CREATE EVENT off_duty ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2037-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM log;
CREATE VIEW names AS SELECT id, name, double_it(id) AS d FROM \`Customer\`;
CREATE SQL SECURITY INVOKER VIEW \`second view\` AS SELECT d FROM names WHERE d > 1 WITH CHECK OPTION;
`;
