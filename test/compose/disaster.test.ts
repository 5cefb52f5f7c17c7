import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

/*
 * docs/runbook.md, "A new server": of the old machine there is the repository and its password, and nothing else. One command makes
 * the database of it again, says itself that it is equal to what was backed up, and the test's own checksum says the same.
 */

interface Case {
  name: string;
  /** The service `db`, as YAML: the same on both machines. */
  service: string;
  port: number;
  env: string[];
  /** What somebody who sets up a server gives it before there is any data: accounts and their rights. */
  accounts: string;
  /** What of it the new machine gets by hand: nothing where a restore brings it. */
  accountsAnew: string;
  data: string;
  /** A line of shell that reads SQL on stdin, as the owner of what is in `harbour`, and prints bare values. */
  client: string;
  /** The test's own opinion of every row, and of what is no row. */
  checksum: string;
}

const MYSQL_ACCOUNTS = `CREATE USER app@'%' IDENTIFIED BY 'app';
GRANT ALL ON harbour.* TO app@'%';
CREATE USER holdfast@'%' IDENTIFIED BY 'secret';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS, RELOAD, SHOW_ROUTINE, SET_ANY_DEFINER ON *.* TO holdfast@'%';
GRANT ALL ON harbour.* TO holdfast@'%';
GRANT ALL ON \`holdfast\\_%\`.* TO holdfast@'%';
`;

const cases: Case[] = [
  {
    name: 'MySQL 9.7',
    service: `image: mysql:9.7
    command: --log-bin-trust-function-creators=1
    environment: { MYSQL_DATABASE: harbour, MYSQL_ROOT_PASSWORD: top-secret }`,
    port: 3306,
    env: ['MYSQL_HOST=db', 'MYSQL_DATABASE=harbour', 'MYSQL_USER=holdfast', 'MYSQL_PASSWORD=secret'],
    accounts: MYSQL_ACCOUNTS,
    accountsAnew: MYSQL_ACCOUNTS,
    data: `CREATE TABLE berths (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60), photo BLOB, price DECIMAL(9,2));
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(60), at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6));
CREATE TRIGGER berths_are_logged AFTER INSERT ON berths FOR EACH ROW INSERT INTO log (note) VALUES (NEW.name);
CREATE VIEW names AS SELECT name FROM berths;
CREATE PROCEDURE howMany() SELECT COUNT(*) FROM berths;
INSERT INTO berths (name, photo, price) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  SELECT CONCAT('⚓ ', i), UNHEX(SHA2(i, 256)), i / 7 FROM n;
`,
    client:
      'docker compose exec -T -e MYSQL_PWD=app db mysql -N -uapp -h127.0.0.1 --default-character-set=utf8mb4 harbour',
    checksum: `CHECKSUM TABLE berths, log;
SELECT COUNT(*), SUM(CRC32(CONCAT_WS('#', id, name, HEX(photo), price))) FROM berths;
SELECT COUNT(*), SUM(CRC32(CONCAT_WS('#', id, note, at))) FROM log;
SELECT MAX(name) FROM names;
CALL howMany();`,
  },
  {
    name: 'PostgreSQL 17',
    service: `image: postgres:17-trixie
    environment: { POSTGRES_USER: keeper, POSTGRES_PASSWORD: secret, POSTGRES_DB: harbour }`,
    port: 5432,
    env: ['DATABASE_URL=postgresql://keeper:secret@db:5432/harbour'],
    accounts: `CREATE ROLE clerk;
CREATE ROLE app LOGIN PASSWORD 'app-secret' CONNECTION LIMIT 9;
CREATE ROLE reader;
GRANT clerk TO app;
ALTER ROLE app SET search_path TO public;
`,
    accountsAnew: '',
    data: `CREATE TABLE berths (id serial PRIMARY KEY, name text, photo bytea, price numeric(9,2));
CREATE TABLE log (id serial PRIMARY KEY, note text, at timestamptz DEFAULT now());
CREATE FUNCTION log_berth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (note) VALUES (NEW.name); RETURN NEW; END $$;
CREATE TRIGGER berths_are_logged AFTER INSERT ON berths FOR EACH ROW EXECUTE FUNCTION log_berth();
CREATE VIEW names AS SELECT name FROM berths;
ALTER TABLE log OWNER TO clerk;
GRANT SELECT ON berths TO reader;
INSERT INTO berths (name, photo, price) SELECT '⚓ ' || n, sha256(n::text::bytea), n / 7.0 FROM generate_series(1, 500) AS n;
`,
    client: 'docker compose exec -T db psql -qAt -U keeper -d harbour -v ON_ERROR_STOP=1',
    checksum: `SELECT count(*), md5(string_agg(b::text, '|' ORDER BY id)) FROM berths AS b;
SELECT count(*), md5(string_agg(l::text, '|' ORDER BY id)) FROM log AS l;
SELECT max(name) FROM names;
SELECT tableowner FROM pg_tables WHERE tablename = 'log';
SELECT rolname, a.rolcanlogin, a.rolconnlimit, a.rolpassword, r.rolconfig FROM pg_authid a JOIN pg_roles r USING (rolname) WHERE rolname IN ('app', 'clerk', 'reader') ORDER BY 1;
SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member = 'app'::regrole;
SELECT relacl FROM pg_class WHERE relname = 'berths';
SELECT nextval('berths_id_seq');`,
  },
];

describe.each(cases)('the disaster drill with $name', (engine) => {
  const machine = async (sql: string) => {
    const stack = await Stack.create({
      clone: 'holdfast',
      files: {
        'compose.yml': `include:
  - holdfast/compose.holdfast.yml
services:
  db:
    ${engine.service}
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
        'init/1.sql': sql,
        'holdfast/.env': ['GATE_UPSTREAM=web:80', 'RESTIC_PASSWORD=stored-elsewhere', ...engine.env].join(
          '\n',
        ),
      },
    });
    onTestFinished(() => stack.remove());
    await stack.sh('docker compose up -d db', 240_000);
    // The server that the image starts to initialize itself listens on the socket alone, and ends a moment later.
    const listens = `docker compose exec -T db bash -c '</dev/tcp/127.0.0.1/${engine.port}'`;
    await until(
      'the server is the one that stays',
      async () => (await stack.try(listens)).code === 0,
      120_000,
    );
    const ask = (statements: string) => {
      writeFileSync(join(stack.folder, 'question.sql'), statements);
      return stack.ask(`${engine.client} < question.sql`);
    };
    await until('it answers', async () => (await ask('SELECT 1;')) === '1', 120_000);
    return { stack, ask };
  };

  it('a new machine, the repository, its password and one command → a database that is equal to its proof, and to the test’s own checksum', async () => {
    const old = await machine(engine.accounts);
    await old.ask(engine.data);
    await old.stack.explained(() =>
      old.stack.sh('docker compose run --rm -T db_backup holdfast backup', 120_000),
    );
    // What was written after the backup is lost, and must not be there.
    const expected = await old.ask(engine.checksum);
    await old.ask('DELETE FROM log;');
    await old.stack.sh(
      'docker compose run --rm -T --no-deps db_backup tar -C /repository -cf - . > repository.tar',
    );
    const rescued = join(old.stack.folder, 'repository.tar');

    const fresh = await machine(engine.accountsAnew);
    await fresh.stack.sh(
      `docker compose run --rm -T db_backup tar -C /repository -xf - < ${rescued}`,
      120_000,
    );
    await old.stack.sh('docker compose down --volumes --timeout 1', 90_000);
    const restored = await fresh.stack.try(
      'docker compose run --rm -T db_backup holdfast restore harbour --yes',
      120_000,
    );
    expect(restored.code, show(restored)).toBe(0);
    expect(restored.stderr).toMatch(
      /restore of harbour: restored .* into harbour: 2 tables, 1000 rows; .*equal to the source/,
    );
    expect(await fresh.ask(engine.checksum)).toBe(expected);
  });
});
