import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../fixtures/tenants/clinic.ts';
import { theOne } from '../helpers/documented.ts';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { untilOpen } from './gate.ts';
import { heartbeat, snapshots, untilRepository } from './repository.ts';

/** Somebody's own project with one database, that took Holdfast in with the two lines of `include:`. */
interface Case {
  name: string;
  database: string;
  /** The service `db`, as YAML. */
  service: string;
  init: { path: string; text: string };
  env: string[];
  snapshotPath: string;
  port: number;
  /** Runs SQL in a database as its administrator and prints bare values. */
  query: (sql: string, database: string) => string;
  count: string;
  lose: string;
  /** Loads the newest dump with nothing but restic and the database's own client. */
  byHand: string;
  /** The rights that docs/security.md prints, where no other test is on this server. */
  grants?: string;
  /** Whether tenants with schemas of their own are tried on it. */
  tenants?: true;
}

const mariadbSql = `CREATE TABLE berths (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) CHARACTER SET utf8mb4, photo BLOB);
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(60));
CREATE TRIGGER berths_are_logged AFTER INSERT ON berths FOR EACH ROW INSERT INTO log (note) VALUES (NEW.name);
CREATE VIEW names AS SELECT name FROM berths;
CREATE PROCEDURE howMany() SELECT COUNT(*) FROM berths;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE id < 0;
INSERT INTO berths (name, photo) SELECT CONCAT('⚓ ', seq), UNHEX(SHA2(seq, 256)) FROM seq_1_to_500;
CREATE USER keeper@'%' IDENTIFIED BY 'hold=fast "1"%';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS, RELOAD, BINLOG MONITOR ON *.* TO keeper@'%';
GRANT ALL ON \`harbour%\`.* TO keeper@'%';
GRANT ALL ON \`holdfast\\_%\`.* TO keeper@'%';
GRANT SET USER ON *.* TO keeper@'%';
`;

const postgresSql = `CREATE TABLE berths (id serial PRIMARY KEY, name text, photo bytea);
CREATE TABLE log (id serial PRIMARY KEY, note text);
CREATE FUNCTION log_berth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (note) VALUES (NEW.name); RETURN NEW; END $$;
CREATE TRIGGER berths_are_logged AFTER INSERT ON berths FOR EACH ROW EXECUTE FUNCTION log_berth();
CREATE VIEW names AS SELECT name FROM berths;
INSERT INTO berths (name, photo) SELECT '⚓ ' || n, sha256(n::text::bytea) FROM generate_series(1, 500) AS n;
`;

const postgres = (major: number): Case => ({
  name: `PostgreSQL ${major}`,
  database: 'harbour',
  port: 5432,
  service: `image: postgres:${major}-trixie
    environment: { POSTGRES_USER: keeper, POSTGRES_PASSWORD: 'p@ss w/ord', POSTGRES_DB: harbour }`,
  init: { path: 'init/1.sql', text: postgresSql },
  env: ['DATABASE_URL=postgresql://keeper:p%40ss%20w%2Ford@db:5432/harbour'],
  snapshotPath: '/postgres/harbour.dump.gz',
  query: (sql, database) => `docker compose exec -T db psql -qAt -U keeper -d ${database} -c "${sql}"`,
  count: 'SELECT (SELECT COUNT(*) FROM berths), (SELECT COUNT(*) FROM log), (SELECT COUNT(*) FROM names)',
  lose: 'DROP TABLE berths CASCADE; DROP TABLE log',
  byHand:
    'set -o pipefail; docker compose run --rm db_backup restic dump latest /postgres/harbour.dump.gz | gunzip | docker compose exec -T db pg_restore -U keeper -d harbour --clean --if-exists --exit-on-error',
  tenants: true,
});

const cases: Case[] = [
  {
    name: 'MariaDB 11.8',
    database: 'harbour',
    port: 3306,
    service: `image: mariadb:11.8
    environment: { MARIADB_DATABASE: harbour, MARIADB_ROOT_PASSWORD: top-secret }`,
    init: { path: 'init/1.sql', text: mariadbSql },
    env: ['MYSQL_HOST=db', 'MYSQL_DATABASE=harbour', 'MYSQL_USER=keeper', `MYSQL_PASSWORD='hold=fast "1"%'`],
    snapshotPath: '/mysql/harbour.sql.gz',
    query: (sql, database) =>
      `docker compose exec -T db mariadb -N -uroot -ptop-secret ${database} -e "${sql}"`,
    count: 'SELECT (SELECT COUNT(*) FROM berths), (SELECT COUNT(*) FROM log), (SELECT COUNT(*) FROM names)',
    lose: 'DROP TABLE berths; DROP TABLE log',
    byHand:
      'set -o pipefail; docker compose run --rm db_backup restic dump latest /mysql/harbour.sql.gz | gunzip | docker compose exec -T db mariadb -uroot -ptop-secret harbour',
    grants: theOne('grants-mariadb-11', 'sql'),
  },
  // test/compose/readme.test.ts has 18.
  postgres(17),
];

describe.each(cases)('$name in a project that includes compose.holdfast.yml', (engine) => {
  let stack: Stack;
  const query = (sql: string, database = engine.database) => stack.ask(engine.query(sql, database));

  beforeAll(async () => {
    stack = await Stack.create({
      clone: 'holdfast',
      files: {
        'compose.yml': `include:
  - holdfast/compose.holdfast.yml

services:
  web:
    image: nginx:1.28
    networks: [holdfast_front]
  db:
    ${engine.service}
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
        [engine.init.path]: engine.init.text,
        'holdfast/.env': ['GATE_UPSTREAM=web:80', 'RESTIC_PASSWORD=stored-elsewhere', ...engine.env].join(
          '\n',
        ),
      },
    });
    return () => stack.remove();
  });

  beforeAll(() =>
    stack.explained(async () => {
      await stack.sh('docker compose up -d', 240_000);
      // The server that the image starts to initialize itself listens on the socket alone, and ends a moment later.
      const listens = `docker compose exec -T db bash -c '</dev/tcp/127.0.0.1/${engine.port}'`;
      await until(
        'the server is the one that stays',
        async () => (await stack.try(listens)).code === 0,
        120_000,
      );
      await until('the rows are there', async () => (await query(engine.count)) !== '', 120_000);
      await untilRepository(stack);
    }),
  );

  it('is found in order by the doctor', async () => {
    await stack.sh('docker compose exec -T db_backup holdfast doctor');
  });

  it('protects the named service', async () => {
    expect((await untilOpen(stack)).body).toMatch(/nginx/i);
  });

  it('is backed up; the newest snapshot is the dump', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/backup.sh');
    expect((await snapshots(stack)).at(-1)).toMatchObject({ paths: [engine.snapshotPath] });
    expect(heartbeat(stack)).not.toBeNull();
  });

  it('is verified in a scratch database', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/verify.sh');
  });

  it('is restored beside the old database', async () => {
    await stack.sh('docker compose exec -T db_backup holdfast restore harbour --to harbour_copy --yes');
    expect(await query(engine.count, 'harbour_copy')).toBe(await query(engine.count));
  });

  it('is restored over the damaged database', async () => {
    const before = await query(engine.count);
    await query(engine.lose);
    // PostgreSQL: the agent connects as a superuser there, and nobody's tables may change hands.
    const owners = engine.name.startsWith('PostgreSQL') ? ' --keep-owners' : '';
    const restored = await stack.try(
      `docker compose exec -T db_backup holdfast restore harbour --yes${owners}`,
    );
    // MariaDB: a view is left whose tables are gone. The restore point is taken without it, and warns of that.
    expect(restored.code, show(restored)).toBe(engine.name.startsWith('PostgreSQL') ? 0 : 3);
    expect(await query(engine.count)).toBe(before);
    expect(before).toMatch(/500.500.500/);
  });

  it('is restored without Holdfast, with restic and its own client', async () => {
    const before = await query(engine.count);
    await query(engine.lose);
    await stack.sh(engine.byHand);
    expect(await query(engine.count)).toBe(before);
  });

  it.runIf(engine.grants)(
    'with exactly the rights of docs/security.md → a whole backup, proved',
    async () => {
      writeFileSync(
        join(stack.folder, 'shop.sql'),
        `CREATE DATABASE shop; USE shop; ${mariadbSql.split('CREATE USER')[0]} ${engine.grants}`,
      );
      await stack.sh('docker compose exec -T db mariadb -uroot -ptop-secret <shop.sql');
      const as = '-e MYSQL_DATABASE=shop -e MYSQL_USER=holdfast -e MYSQL_PASSWORD=secret';
      // What this source has to say is not for the status of the other one.
      const aside = 'mkdir /tmp/status && export HOLDFAST_STATUS_DIR=/tmp/status';
      const both = `docker compose run --rm -T ${as} db_backup sh -c '${aside} && holdfast backup && holdfast verify'`;
      expect((await stack.sh(both)).stderr).toMatch(/verify of shop: .*equal to the source; proved/);
    },
  );

  it.runIf(engine.tenants)(
    'with a schema for each tenant → each is dumped, one is put back beside the others, and each is proved',
    async () => {
      writeFileSync(join(stack.folder, 'clinic.sql'), `${CLINIC_ROLES}\n${clinicDatabase()}`);
      await query('CREATE DATABASE clinic');
      await stack.sh(
        'docker compose exec -T db psql -q -v ON_ERROR_STOP=1 -U keeper -d clinic -f - <clinic.sql >/dev/null',
      );
      const patients = (id: string) =>
        query(`SELECT count(*), min(email), sum(age) FROM \\"tenant_${id}\\".patients`, 'clinic');
      const before = [await patients('42'), await patients('North-East')];
      const url = 'postgresql://keeper:p%40ss%20w%2Ford@db:5432/clinic';
      const aside = 'mkdir -p /tmp/status && export HOLDFAST_STATUS_DIR=/tmp/status';
      const holdfast = (commands: string) =>
        stack.sh(
          `docker compose run --rm -T -e DATABASE_URL=${url} -e TENANT_SCHEMAS='tenant_*' db_backup sh -c '${aside} && ${commands}'`,
          120_000,
        );
      const stored = await holdfast('holdfast backup && holdfast backup --tenants');
      expect(stored.stderr).toMatch(/stored 5 tenants/);
      await query('DELETE FROM tenant_42.patients', 'clinic');
      await query(`INSERT INTO \\"tenant_North-East\\".patients (name) VALUES ('since then')`, 'clinic');
      const restored = await holdfast('holdfast restore clinic --tenant 42 --yes');
      expect(restored.stderr).toMatch(/equal to the source/);
      expect(await patients('42')).toBe(before[0]);
      expect(await patients('North-East')).not.toBe(before[1]);
      expect((await holdfast('holdfast verify clinic --tenants')).stderr).toMatch(/5 tenants/);
    },
  );

  it('fails loudly when it is stopped: no snapshot, no heartbeat', async () => {
    const [countBefore, beatBefore] = [(await snapshots(stack)).length, heartbeat(stack)];
    await stack.sh('docker compose stop db');
    const failed = await stack.try('docker compose exec db_backup /usr/local/bin/backup.sh');
    expect(failed.code, show(failed)).toBe(1);
    expect(await snapshots(stack)).toHaveLength(countBefore);
    expect(heartbeat(stack)).toBe(beatBefore);
  });
});
