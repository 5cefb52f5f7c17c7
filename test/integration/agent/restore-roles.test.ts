import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';
import { outliving, releaseAll, type Release } from '../../helpers/when-over.ts';

/*
 * Two servers: the one that was lost, whose database names roles in every way there is, and a bare one, which has none of them. What
 * was stored is restored into the bare one by one command.
 */

let lost: TestServer;
let bare: TestServer;
let agent: TestAgent;
/** On the machine of the bare server: another state, the same repository. */
let rescue: TestAgent;

const SECRET = 'app-secret-7';

beforeAll(async () => {
  [lost, bare] = await Promise.all([startPostgres(), startPostgres()]);
  await lost.sql(ROLES);
  await lost.sql('CREATE DATABASE shop OWNER shop_owner');
  await lost.sql(DATABASE);
  await lost.sql(OBJECTS, 'shop');
  agent = await outliving(releases, () => testAgent({ DATABASE_URL: urlOf(lost) }));
  const backup = await outliving(releases, () => agent.run(['backup']));
  expect(backup.stderr).toMatch(/stored/);
  const { RESTIC_REPOSITORY = '' } = agent.environment;
  rescue = await outliving(releases, () => testAgent({ DATABASE_URL: urlOf(bare), RESTIC_REPOSITORY }));
});
const releases: Release[] = [];
afterAll(async () => {
  await releaseAll(releases);
  await Promise.all([lost.stop(), bare.stop()]);
});

/** Named as owner, by a grant, by a grantor, by default rights, by a policy, by a user mapping, by the database; and `app`, which is named nowhere but is a member. */
const ROLES = `
  CREATE ROLE shop_owner CREATEDB;
  CREATE ROLE "Shop ""Readers"" é" NOINHERIT;
  CREATE ROLE passer_on;
  CREATE ROLE auditor REPLICATION BYPASSRLS;
  CREATE ROLE maker;
  CREATE ROLE branch;
  CREATE ROLE mapped;
  CREATE ROLE gate_keeper;
  CREATE ROLE app LOGIN PASSWORD '${SECRET}' CONNECTION LIMIT 7 VALID UNTIL '2090-01-01 00:00:00+00';
  CREATE ROLE unrelated LOGIN PASSWORD 'unrelated-secret';
  CREATE ROLE installer SUPERUSER LOGIN PASSWORD 'installer-secret';
  COMMENT ON ROLE app IS E'the shop''s \\\\ own; really';
  ALTER ROLE app SET search_path TO public, "odd, name";
  ALTER ROLE app SET work_mem TO '5MB';
  GRANT "Shop ""Readers"" é" TO app WITH ADMIN OPTION;
  GRANT shop_owner TO app;
  GRANT pg_monitor TO auditor;
  GRANT SET ON PARAMETER log_min_messages TO auditor;`;

const DATABASE = `
  REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
  GRANT CONNECT ON DATABASE shop TO gate_keeper WITH GRANT OPTION;
  GRANT CONNECT ON DATABASE shop TO app;
  ALTER DATABASE shop SET search_path TO public, "odd, name";
  ALTER DATABASE shop CONNECTION LIMIT 55;
  ALTER ROLE app IN DATABASE shop SET statement_timeout TO '77s';
  COMMENT ON DATABASE shop IS 'the shop''s';`;

const OBJECTS = `
  CREATE TABLE orders (id int PRIMARY KEY, note text);
  INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 100) n;
  CREATE FUNCTION may_load() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    CASE current_setting('test.load', true)
      WHEN 'fails' THEN RAISE 'no order is taken';
      WHEN 'waits' THEN PERFORM pg_sleep(120);
      ELSE NULL;
    END CASE;
    RETURN true; END $$;
  ALTER TABLE orders ADD CHECK (may_load());
  CREATE TABLE log (at int); INSERT INTO log VALUES (1);
  ALTER TABLE orders OWNER TO shop_owner;
  GRANT SELECT ON log TO "Shop ""Readers"" é";
  GRANT SELECT (id) ON orders TO auditor;
  GRANT SELECT ON orders TO passer_on WITH GRANT OPTION;
  SET SESSION AUTHORIZATION passer_on;
  GRANT SELECT ON orders TO auditor;
  RESET SESSION AUTHORIZATION;
  ALTER DEFAULT PRIVILEGES FOR ROLE maker GRANT SELECT ON TABLES TO auditor;
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON orders FOR SELECT TO branch, app USING (id IN (1, 2));
  CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
  CREATE USER MAPPING FOR mapped SERVER s OPTIONS (note 'FOR nobody TO nobody');
  CREATE USER MAPPING FOR PUBLIC SERVER s;
  SET SESSION AUTHORIZATION installer;
  CREATE EXTENSION pgcrypto;
  REVOKE EXECUTE ON FUNCTION digest(text, text) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION digest(text, text) TO app;
  COMMENT ON EXTENSION pgcrypto IS 'ours';
  RESET SESSION AUTHORIZATION;`;

/** All that the restore is to make; `unrelated` has nothing to do with the database, and `installer` owns nothing that the dump gives to anybody. */
const MADE = [
  'Shop "Readers" é',
  'app',
  'auditor',
  'branch',
  'gate_keeper',
  'maker',
  'mapped',
  'passer_on',
  'shop_owner',
];

const urlOf = (server: TestServer, user = 'boss', password = 'bosspw') =>
  `postgresql://${user}:${password}@127.0.0.1:${server.port}/shop`;

const as = (user: string) => ({ DATABASE_URL: urlOf(bare, user, 'user-secret') });

const rolesOf = async (server: TestServer) =>
  (
    await server.sql(
      `SELECT rolname AS name FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ('boss', 'helper') ORDER BY rolname COLLATE "C"`,
    )
  ).map(({ name }) => String(name));

/** Everything that a role is, and hash by hash its password. */
const portraits = (server: TestServer) =>
  server.sql(`
    SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
      rolpassword, rolvaliduntil::text, shobj_description(a.oid, 'pg_authid') AS comment,
      (SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = a.oid AND setdatabase = 0) AS settings,
      (SELECT string_agg(roleid::regrole::text || admin_option::text, ', ' ORDER BY roleid::regrole::text) FROM pg_auth_members WHERE member = a.oid) AS groups
    FROM pg_authid a WHERE rolname !~ '^pg_' AND rolname NOT IN ('boss', 'helper', 'unrelated', 'installer') ORDER BY rolname COLLATE "C"`);

const rightsOf = async (server: TestServer, database = 'shop') =>
  server.sql(
    `SELECT 'table ' || relname AS what, pg_get_userbyid(relowner) AS owner, relacl::text AS rights FROM pg_class WHERE relname IN ('orders', 'log')
     UNION ALL SELECT 'column', attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid = 'orders'::regclass
     UNION ALL SELECT 'defaults', pg_get_userbyid(defaclrole), defaclacl::text FROM pg_default_acl
     UNION ALL SELECT 'function', proname, has_function_privilege('app', oid, 'EXECUTE')::text || has_function_privilege('branch', oid, 'EXECUTE')::text FROM pg_proc WHERE oid = 'digest(text, text)'::regprocedure
     UNION ALL SELECT 'policy', polname, polroles::regrole[]::text FROM pg_policy
     UNION ALL SELECT 'mapping', usename, srvname FROM pg_user_mappings ORDER BY 1, 2`,
    database,
  );

/** What a database has as a whole. */
const likenessOf = (server: TestServer) =>
  server.sql(`SELECT pg_get_userbyid(datdba) AS owner, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a) AS rights, datconnlimit AS connections,
    shobj_description(oid, 'pg_database') AS comment,
    (SELECT array_agg(setrole::regrole::text || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)::text AS settings
    FROM pg_database d WHERE datname = 'shop'`);

const databases = async () =>
  (await bare.sql("SELECT datname AS name FROM pg_database WHERE datname !~ '^(template|postgres)'")).map(
    ({ name }) => String(name),
  );

/** The bare server, bare again. */
beforeEach(async () => {
  for (const name of await databases()) await bare.sql(`DROP DATABASE "${name}" WITH (FORCE)`);
  await bare.sql('ALTER ROLE boss RESET ALL');
  for (const name of [...(await rolesOf(bare)), 'helper']) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    if (name === 'auditor') await bare.sql(`REVOKE ALL ON PARAMETER log_min_messages FROM auditor`);
    await bare.sql(`DROP ROLE IF EXISTS ${quoted}`);
  }
});

/** No hash and no password is in what a person, a log or the ledger was told. */
const told: string[] = [];
const run = async (args: string[], environment?: Record<string, string>, who = rescue) => {
  const ended = await who.run(args, environment);
  told.push(ended.stdout, ended.stderr);
  return ended;
};
afterEach(() => {
  expect(told.join('\n')).not.toMatch(/SCRAM-SHA-256|app-secret/);
  told.length = 0;
});

describe('a restore where roles are missing', () => {
  test('a bare server and one command → rows, owners, rights, and the roles that it takes, equal to the lost ones; no other role', async () => {
    const { code, stderr } = await run(['restore', 'shop', '--yes']);
    expect(stderr).toMatch(
      /restored .* into shop: 2 tables, 101 rows; .*equal to the source; created 9 roles that were missing: .*app \(LOGIN, CONNECTION LIMIT 7\)/,
    );
    expect(code).toBe(0);
    expect(await rolesOf(bare)).toEqual(MADE);
    expect(await portraits(bare)).toEqual(await portraits(lost));
    expect(await rightsOf(bare)).toEqual(await rightsOf(lost));
    expect(await likenessOf(bare)).toEqual(await likenessOf(lost));
    const client = new pg.Client(urlOf(bare, 'app', SECRET));
    await client.connect();
    expect((await client.query('SELECT count(*)::int AS n FROM log')).rows).toEqual([{ n: 1 }]);
    await client.end();
    expect(
      (await bare.sql(`SELECT has_parameter_privilege('auditor', 'log_min_messages', 'SET') AS may`))[0],
    ).toEqual({ may: true });
    const { facts } = (await lastRun()) as { facts: { createdRoles: string[] } };
    expect(facts.createdRoles.toSorted()).toEqual(MADE.toSorted());
  });

  test('--dry-run → names them, with what they may, and makes none', async () => {
    const { code, stderr } = await run(['restore', 'shop', '--yes', '--dry-run']);
    expect(stderr).toMatch(
      /nothing was changed; .*first creates what is missing of roles: .*auditor \(REPLICATION, BYPASSRLS\)/,
    );
    expect(code).toBe(0);
    expect(await rolesOf(bare)).toEqual([]);
  });

  test('--dry-run of what would be refused → says so as a warning', async () => {
    const { code, stderr } = await run(['restore', 'shop', '--yes', '--dry-run', '--no-roles']);
    expect(stderr).toMatch(/would be refused: roles .*"auditor".* do not exist, and the dump names them/);
    expect(code).toBe(3);
  });

  test('something lies in a tablespace that is not there → named before anything is done', async () => {
    await lost.sql('CREATE DATABASE big');
    const admin = new pg.Client(urlOf(lost));
    await admin.connect();
    await admin.query('SET allow_in_place_tablespaces = on');
    await admin.query(`CREATE TABLESPACE fast LOCATION ''`);
    await admin.end();
    await lost.sql('CREATE TABLE far (id int) TABLESPACE fast', 'big');
    const big = (server: TestServer) => ({ DATABASE_URL: urlOf(server).replace(/shop$/, 'big') });
    expect((await run(['backup'], big(lost), agent)).stderr).toMatch(/stored/);
    const { code, stderr } = await run(['restore', 'big', '--yes'], big(bare));
    expect(stderr).toMatch(
      /tablespace "fast" does not exist, and what the dump holds lies there; nothing was/,
    );
    expect(stderr).toMatch(/hint: A restore makes none: .*CREATE TABLESPACE "fast" LOCATION/);
    expect(code).toBe(1);
    expect(await databases()).toEqual([]);
  });

  test('a role is there already → it keeps its password and its rights, becomes no member of a new one, and that is told with the statement', async () => {
    await bare.sql(`CREATE ROLE app LOGIN PASSWORD 'another'; CREATE ROLE shop_owner`);
    const before = await portraits(bare);
    const { code, stderr } = await run(['restore', 'shop', '--to', 'copy']);
    expect(stderr).toMatch(
      /role "app" was there and is left as it is: it was a member of "Shop "Readers" é", which `GRANT "Shop ""Readers"" é" TO "app" WITH ADMIN OPTION;`/,
    );
    expect(code).toBe(3);
    expect(
      (await portraits(bare)).filter(({ rolname }) => ['app', 'shop_owner'].includes(String(rolname))),
    ).toEqual(before);
    // A copy has no owner and rights of its own, and needs nobody for them.
    expect(await rolesOf(bare)).toEqual(MADE.filter((name) => name !== 'gate_keeper'));
    expect(await rightsOf(bare, 'copy')).toEqual(await rightsOf(lost));
  });

  test('--no-roles → refused with the names of all, those of grants and policies too, before anything is done', async () => {
    const { code, stderr } = await run(['restore', 'shop', '--yes', '--no-roles']);
    expect(stderr).toMatch(
      /error: restore of shop failed: roles .* do not exist, and the dump names them; nothing was changed/,
    );
    for (const name of ['auditor', 'branch', 'maker', 'mapped', 'passer_on', 'shop_owner'])
      expect(stderr).toContain(`"${name}"`);
    expect(stderr).toMatch(/hint: Leave out --no-roles .*--no-owner/);
    expect(code).toBe(1);
    expect(await rolesOf(bare)).toEqual([]);
    expect(await databases()).toEqual([]);
  });

  test('--no-owner → makes none; what policies and user mappings name is asked for before anything is done', async () => {
    const refused = await run(['restore', 'shop', '--yes', '--no-owner']);
    expect(refused.stderr).toMatch(
      /roles ("mapped", "branch", "app"|"branch", "app", "mapped"|"mapped", "app", "branch"|"app", "branch", "mapped") do not exist/,
    );
    expect(refused.code).toBe(1);
    await bare.sql('CREATE ROLE mapped; CREATE ROLE branch; CREATE ROLE app');
    const { code, stderr } = await run(['restore', 'shop', '--yes', '--no-owner']);
    expect(stderr).toMatch(/restored/);
    expect(code).toBe(0);
    expect(await rolesOf(bare)).toEqual(['app', 'branch', 'mapped']);
    const [{ owner, rights, comment } = {}] = await likenessOf(bare);
    expect({ owner, rights, comment }).toEqual({ owner: 'boss', rights: null, comment: "the shop's" });
  });

  test('the load fails → the database and the roles are gone again', async () => {
    await bare.sql(`ALTER ROLE boss SET test.load = 'fails'`);
    const { code, stderr } = await run(['restore', 'shop', '--yes']);
    expect(stderr).toMatch(/error: .*no order is taken/);
    expect(stderr).not.toMatch(/stay/);
    expect(code).toBe(1);
    expect(await rolesOf(bare)).toEqual([]);
    expect(await databases()).toEqual([]);
  });

  test('the load fails, and somebody has put a role to use meanwhile → all of them stay, and are named', async () => {
    await bare.sql(`ALTER ROLE boss SET test.load = 'waits'`);
    const restore = rescue.start(['restore', 'shop', '--yes']);
    await until('the rows are loaded', isLoading);
    await bare.sql('CREATE DATABASE other OWNER app');
    await bare.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${LOADING}`);
    const { code, stderr } = await restore.ended;
    expect(stderr).toMatch(/error: .*; roles .*"app".*, created for it, stay/);
    expect(code).toBe(1);
    expect(await rolesOf(bare)).toEqual(MADE);
    const { facts } = (await lastRun()) as { facts: { createdRoles: string[] } };
    expect(facts.createdRoles.toSorted()).toEqual(MADE.toSorted());
  });

  test('the agent is killed while it loads → the next command drops the database and the roles, and says so', async () => {
    await bare.sql(`ALTER ROLE boss SET test.load = 'waits'`);
    const restore = rescue.start(['restore', 'shop', '--yes']);
    await until('the rows are loaded', isLoading);
    restore.child.kill('SIGKILL');
    await restore.ended;
    expect(await rolesOf(bare)).toEqual(MADE);
    const { stderr } = await run(['check']);
    expect(stderr).toMatch(/dropped holdfast_scratch\S+, which a restore of shop left when it was killed/);
    expect(stderr).toMatch(
      /dropped roles .*"shop_owner".*, which a restore of shop had made when it was killed/,
    );
    expect(await rolesOf(bare)).toEqual([]);
    expect(await databases()).toEqual([]);
  });

  test('the user may not create roles → with --keep-owners refused before anything is done, with the GRANT; otherwise nothing needs them but policies', async () => {
    await bare.sql(`CREATE ROLE helper LOGIN CREATEDB PASSWORD 'user-secret'`);
    for (const args of [['--keep-owners'], []]) {
      const { code, stderr } = await run(['restore', 'shop', '--yes', ...args], as('helper'));
      expect(stderr).toMatch(
        /error: restore of shop failed: roles .*"branch".* do not exist, and helper may not create roles/,
      );
      expect(stderr).toContain('ALTER ROLE "helper" CREATEROLE;');
      expect(code).toBe(1);
    }
    expect(await rolesOf(bare)).toEqual([]);
    expect(await databases()).toEqual([]);
    await bare.sql('ALTER ROLE helper CREATEROLE');
    const owner = await run(['restore', 'shop', '--yes', '--keep-owners'], as('helper'));
    expect(owner.stderr).toMatch(/helper may create roles, and give no objects to "\w+"/);
    expect(await rolesOf(bare)).toEqual([]);
  });

  test('the user is no superuser and may create roles → those of policies are made; owners and rights are left out, as ever', async () => {
    await lost.sql('CREATE DATABASE small');
    await lost.sql(
      'CREATE TABLE t (id int); GRANT SELECT ON t TO auditor; CREATE POLICY own ON t TO branch USING (true)',
      'small',
    );
    await bare.sql(`CREATE ROLE helper LOGIN CREATEDB CREATEROLE PASSWORD 'user-secret'`);
    const small = (url: string) => ({ DATABASE_URL: url.replace(/shop$/, 'small') });
    await run(['backup'], small(urlOf(lost)), agent);
    const { code, stderr } = await run(['restore', 'small', '--yes'], small(as('helper').DATABASE_URL));
    expect(stderr).toMatch(/created a role that was missing: branch\n/);
    expect(stderr).toMatch(/everything in small belongs to the user that restored it/);
    expect(code).toBe(3);
    expect(await rolesOf(bare)).toEqual(['branch']);
  });

  test('a verification → no warning where the globals hold every role that the dump names', async () => {
    const { code, stderr } = await run(['verify'], {}, agent);
    expect(stderr).toMatch(/proved/);
    expect(code).toBe(0);
  });

  test('the globals beside the dump are gone → refused with the names, before anything is done', async () => {
    const { stdout } = await run(['snapshots', '--json'], {}, agent);
    const stored = (JSON.parse(stdout) as { id: string; tags: { kind: string } }[]).filter(
      ({ tags }) => tags.kind === 'globals',
    );
    expect((await run(['restic', '--', 'forget', ...stored.map(({ id }) => id)], {}, agent)).code).toBe(0);
    const verified = await run(['verify'], {}, agent);
    expect(verified.stderr).toMatch(
      /a bare server would not get the roles of [0-9a-f]{8} back: no globals are stored beside it/,
    );
    expect(verified.stderr).toMatch(/proved/);
    expect(verified.code).toBe(3);
    const { code, stderr } = await run(['restore', 'shop', '--yes']);
    expect(stderr).toMatch(
      /error: restore of shop failed: roles .*"auditor".* do not exist, and the dump names them, and no globals are stored beside [0-9a-f]{8}; nothing was changed/,
    );
    expect(stderr).toMatch(/hint: Create them first .*--no-owner/);
    expect(code).toBe(1);
    expect(await rolesOf(bare)).toEqual([]);
    expect(await databases()).toEqual([]);
  });
});

const LOADING = "query LIKE 'COPY%' AND state = 'active' AND wait_event = 'PgSleep'";
const isLoading = async () => (await bare.sql(`SELECT FROM pg_stat_activity WHERE ${LOADING}`)).length > 0;

const lastRun = async () => {
  const { stdout } = await run(['history', '--limit', '1', '--json']);
  return (JSON.parse(stdout) as unknown[])[0];
};
