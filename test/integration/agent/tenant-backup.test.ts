import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { haltedRestic, testAgent, type TestAgent } from '../../helpers/agent.ts';
import { CLINIC_TENANTS, createClinic } from '../../helpers/tenant-clinic.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

const run = promisify(execFile);
/** Nothing follows a backup. */
const QUICK = { BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' };

interface Listed {
  id: string;
  path: string;
  tags: { kind: string; tenant?: string };
}

const snapshotsOf = async (agent: TestAgent) =>
  JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as Listed[];

const lastRun = async (agent: TestAgent) =>
  (
    JSON.parse((await agent.run(['history', '--limit', '1', '--json'])).stdout) as {
      job: string;
      result: string;
      facts: { tenants?: { id: string; result: string; addedBytes: number }[] };
    }[]
  )[0];

describe.each(postgresMajors().map((major) => ({ major })))('PostgreSQL $major', ({ major }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres([], major);
  });
  afterAll(() => server.stop());

  const program = (name: string) => join(POSTGRES_ROOT, String(major), 'bin', name);
  const connection = (database: string) => [
    '-h',
    '127.0.0.1',
    '-p',
    String(server.port),
    '-U',
    'boss',
    '-d',
    database,
  ];
  const environment = { ...process.env, PGPASSWORD: 'bosspw' };

  test('every tenant dumped → one snapshot of all, which adds nothing where nothing changed; one is put back from it, with us and without', async () => {
    const clinic = await createClinic(server);
    const [odd, quoted] = ['o"d$d|(x).*y', '"tenant_o""d$d|(x).*y"'];
    await server.sql(
      `CREATE SCHEMA ${quoted}; CREATE TABLE ${quoted}."t;1" (id serial PRIMARY KEY); INSERT INTO ${quoted}."t;1" SELECT generate_series(1, 9);
       CREATE EXTENSION pg_trgm SCHEMA ${quoted}; COMMENT ON SCHEMA ${quoted} IS 'odd'; GRANT USAGE ON SCHEMA ${quoted} TO clinic_app`,
      clinic.database,
    );
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const { code, stderr } = await agent.run(['backup', '--tenants']);
    expect(stderr).not.toMatch(/warning|error/);
    expect(code).toBe(0);
    const list = await snapshotsOf(agent);
    const path = `/postgres/${clinic.database}`;
    expect(list).toMatchObject([{ path, tags: { kind: 'tenant-set' } }]);
    expect(agent.lastOk()).toBeNull();
    expect(readdirSync(join(agent.folder, 'state', 'run'))).toEqual([]);
    const ids = [...CLINIC_TENANTS, odd];
    expect((await lastRun(agent))?.facts.tenants?.map(({ id, result }) => [id, result]).sort()).toEqual(
      ids.map((id) => [id, 'succeeded']).sort(),
    );
    // A whole restore must not take it for the newest dump.
    const restore = await agent.run(['restore', clinic.database, '--to', 'other']);
    expect(restore.stderr).toMatch(/holds no snapshot of/);

    // A new table of one shifts the numbers of all others in pg_dump's own archive.
    await server.sql('CREATE TABLE tenant_2.a_new_one (id int)', clinic.database);
    expect(await agent.run(['backup', '--tenants'])).toMatchObject({ code: 0 });
    const added = (await lastRun(agent))?.facts.tenants ?? [];
    expect(added.filter(({ addedBytes }) => addedBytes > 0).map(({ id }) => id)).toEqual(['2']);

    await server.sql(
      `DELETE FROM "tenant_Mixed-Case".patients; DELETE FROM tenant_2.patients WHERE id = 1; DROP TABLE ${quoted}."t;1"; DROP EXTENSION pg_trgm`,
      clinic.database,
    );
    for (const [id, code, told] of [
      [
        'Mixed-Case',
        0,
        /restored tenant Mixed-Case .*201 rows; .*201 rows and \d+ objects equal to the source/,
      ],
      [odd, 3, /1 table, 9 rows; .*equal to the source[^]*extension pg_trgm [^]* is not restored with it/],
    ] as const) {
      const put = await agent.run(['restore', clinic.database, '--tenant', id, '--yes']);
      expect(put.stderr).toMatch(told);
      expect(put.code).toBe(code);
    }
    const [row] = await server.sql(
      `SELECT (SELECT count(*) FROM "tenant_Mixed-Case".patients) AS one, (SELECT count(*) FROM tenant_2.patients) AS two`,
      clinic.database,
    );
    expect(row).toEqual({ one: '200', two: '199' });

    const out = join(agent.folder, 'out');
    const restic = ['--tag', 'kind=tenant-set', '--target', out];
    const include = [`${path}/tenant_Mixed-Case.*`, `${path}/shared`].flatMap((one) => ['--include', one]);
    await run('restic', ['restore', 'latest', ...restic, ...include], { env: agent.environment });
    const file = (suffix: string) => join(out, path, `tenant_Mixed-Case.${suffix}`);
    const empty = `${clinic.database}_from_set`;
    await server.sql(`CREATE DATABASE ${empty}`);
    const psql = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...connection(empty), '-f', file('prelude.sql')];
    await run(program('psql'), psql, { env: environment });
    const load = ['--exit-on-error', ...connection(empty), file('dump')];
    await run(program('pg_restore'), load, { env: environment });
    const rows = await server.sql('SELECT count(*) FROM "tenant_Mixed-Case".patients', empty);
    expect(rows).toEqual([{ count: '200' }]);
  });

  test('a tenant put back from a dump of its own → as it was, and nobody else is touched', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    expect(await agent.run(['backup', '--tenant', '1'])).toMatchObject({ code: 0 });
    const dump = (await snapshotsOf(agent)).find(({ tags }) => tags.kind === 'on-demand')!;
    await server.sql(
      'DELETE FROM tenant_1.patients; DELETE FROM tenant_2.patients WHERE id = 1',
      clinic.database,
    );
    const restore = await agent.run([
      'restore',
      clinic.database,
      '--tenant',
      '1',
      '--snapshot',
      dump.id,
      '--yes',
    ]);
    expect(restore.stderr).toMatch(/restored tenant 1 .*201 rows; .*equal to the source/);
    const [row] = await server.sql(
      'SELECT (SELECT count(*) FROM tenant_1.patients) AS one, (SELECT count(*) FROM tenant_2.patients) AS two',
      clinic.database,
    );
    expect(row).toEqual({ one: '200', two: '199' });
    // Over everything it must never be restored.
    const whole = await agent.run(['restore', clinic.database, '--snapshot', dump.id, '--yes']);
    expect(whole.code).toBe(1);
    expect(whole.stderr).toMatch(/holds no snapshot/);
  });

  test.each([
    { what: 'a set', backup: ['--tenants'] },
    { what: 'a dump of its own', backup: ['--tenant', '1'] },
  ])(
    'out of $what: what it needs of others is another → refused by name, nothing changed; an extension in another version → a warning; missing → it is made',
    async ({ backup }) => {
      const clinic = await createClinic(server);
      const { database } = clinic;
      const agent = await testAgent({ ...clinic.environment, ...QUICK });
      const touch = (text: string) =>
        `CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ ${text} $$;`;
      await server.sql(
        `REVOKE ALL ON TYPE public.mood FROM PUBLIC; COMMENT ON TYPE public.mood IS 'how they are'; ALTER TYPE public.mood OWNER TO clinic_app;
          CREATE FUNCTION public.half(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
          ALTER TABLE tenant_1.patients ADD CHECK (public.half(id::integer) >= 0)`,
        database,
      );
      expect(await agent.run(['backup', ...backup])).toMatchObject({ code: 0 });
      const restore = () => agent.run(['restore', database, '--tenant', '1', '--yes', '--no-restore-point']);
      const changes: [change: string, undo: string, told: RegExp][] = [
        [
          touch('BEGIN RETURN NULL; END'),
          touch('BEGIN NEW.touched := true; RETURN NEW; END'),
          /needs routine public\.touch\(\), which is not what it was/,
        ],
        [
          'ALTER DOMAIN public.age ADD CONSTRAINT old CHECK (VALUE < 150)',
          'ALTER DOMAIN public.age DROP CONSTRAINT old',
          /needs type public\.age, which is not what it was/,
        ],
        [
          "UPDATE pg_proc SET proargnames = '{m}' WHERE proname = 'half'",
          "UPDATE pg_proc SET proargnames = '{n}' WHERE proname = 'half'",
          /needs routine public\.half\(n integer\), which is not what it was/,
        ],
      ];
      const before = await server.sql('SELECT oid FROM pg_namespace ORDER BY 1', database);
      for (const [change, undo, told] of changes) {
        await server.sql(change, database);
        const refused = await restore();
        expect(refused.stderr).toMatch(told);
        expect(refused.stderr).toMatch(/nothing was changed/);
        expect(refused.code).toBe(1);
        await server.sql(undo, database);
        expect(await server.sql('SELECT oid FROM pg_namespace ORDER BY 1', database)).toEqual(before);
      }
      // Another version is no other extension: the server has the one that it has.
      const versioned = (version: string) =>
        server.sql(`UPDATE pg_extension SET extversion = '${version}' WHERE extname = 'citext'`, database);
      await versioned('1.4');
      const warned = await agent.run(['restore', database, '--tenant', '1', '--validate-only']);
      expect(warned.stderr).toMatch(/extension citext has version 1\.4, and the source had 1\.6/);
      expect(warned.code).toBe(3);
      await versioned('1.6');
      expect(await server.sql('SELECT oid FROM pg_namespace ORDER BY 1', database)).toEqual(before);
      const all = CLINIC_TENANTS.map((id) => `DROP SCHEMA "tenant_${id}" CASCADE`);
      await server.sql(
        `${all.join(';')}; DROP EXTENSION citext; DROP TYPE public.mood; DROP DOMAIN public.age; DROP FUNCTION public.touch()`,
        database,
      );
      const restored = await restore();
      expect(restored.stderr).toMatch(/restored tenant 1 .*201 rows; .*equal to the source/);
      expect(restored.stderr).not.toMatch(/warning/);
      expect(restored.code).toBe(0);
      const [made] = await server.sql(
        `SELECT pg_get_userbyid(typowner) AS owner, obj_description(oid, 'pg_type') AS comment, typacl::text AS rights
          FROM pg_type WHERE oid = 'public.mood'::regtype`,
        database,
      );
      expect(made).toEqual({
        owner: 'clinic_app',
        comment: 'how they are',
        rights: '{clinic_app=U/clinic_app}',
      });
    },
  );

  test.each([
    { what: 'a set', backup: ['--tenants'] },
    { what: 'a dump of its own', backup: ['--tenant', '1'] },
  ])(
    'out of $what: a function that it needs is missing, and its body and comment read like statements of the prelude → it is made as it was, and nothing of them is run',
    async ({ backup }) => {
      const clinic = await createClinic(server);
      const { database } = clinic;
      const agent = await testAgent({ ...clinic.environment, ...QUICK });
      const evil = (kind: string) =>
        `\n--\n-- Name: evil${kind}; Type: ${kind}; Schema: -; Owner: -\n--\n\nCREATE ${kind} evil; ALTER ROLE clinic_app SUPERUSER; COMMIT;\n\n-- PostgreSQL database dump complete\n--\n`;
      const text = evil('EXTENSION') + evil('SCHEMA');
      await server.sql(
        `CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $it$ BEGIN NEW.touched := true; RETURN NEW; END /* $$ ${text} */ $it$;
          COMMENT ON FUNCTION public.touch() IS $it$it's ${text}$it$; ALTER FUNCTION public.touch() OWNER TO clinic_app`,
        database,
      );
      const touch = () =>
        server.sql(
          `SELECT pg_get_functiondef(oid) AS definition, obj_description(oid, 'pg_proc') AS comment, pg_get_userbyid(proowner) AS owner
            FROM pg_proc WHERE oid = to_regprocedure('public.touch()')`,
          database,
        );
      const before = await touch();
      expect(await agent.run(['backup', ...backup])).toMatchObject({ code: 0 });
      const all = CLINIC_TENANTS.map((id) => `DROP SCHEMA "tenant_${id}" CASCADE`);
      await server.sql(`${all.join(';')}; DROP FUNCTION public.touch()`, database);
      const restored = await agent.run(['restore', database, '--tenant', '1', '--yes', '--no-restore-point']);
      expect(restored.stderr).toMatch(/restored tenant 1 .*201 rows; .*equal to the source/);
      expect(restored.code).toBe(0);
      expect(await touch()).toEqual(before);
      expect(await server.sql("SELECT rolsuper AS super FROM pg_roles WHERE rolname = 'clinic_app'")).toEqual(
        [{ super: false }],
      );
      expect(await server.sql("SELECT FROM pg_namespace WHERE nspname = 'evil'", database)).toEqual([]);
    },
  );

  test('tenants written to while they are dumped → each as at one moment, in a database that had nothing, without us', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const read = (database: string) =>
      server.sql(
        `SELECT count(*), sum(hashtext(p::text)) AS sum, (SELECT sum(amount) FROM "tenant_Mixed-Case"."Odd Name") AS odd
          FROM "tenant_Mixed-Case".patients p`,
        database,
      );
    const before = await read(clinic.database);
    const halted = haltedRestic(agent.folder);
    const backup = agent.start(['backup', '--tenant', 'Mixed-Case,2'], { HOLDFAST_RESTIC: halted.path });
    await until('the snapshot is held', async () => halted.reached());
    await server.sql(
      `UPDATE "tenant_Mixed-Case"."Odd Name" SET amount = 0; UPDATE tenant_2."Odd Name" SET amount = 200;`,
      clinic.database,
    );
    halted.letGo();
    expect(await backup.ended).toMatchObject({ code: 0 });

    const list = await snapshotsOf(agent);
    const fetch = async (kind: string, tenant: string) => {
      const { id, path } = list.find(({ tags }) => tags.kind === kind && tags.tenant === tenant)!;
      const options = { env: agent.environment, encoding: 'buffer', maxBuffer: 2 ** 26 } as const;
      const { stdout } = await run('restic', ['dump', id, path], options);
      const file = join(agent.folder, `${kind} ${tenant}`);
      writeFileSync(file, gunzipSync(stdout));
      return file;
    };
    const prelude = await fetch('on-demand-prelude', 'Mixed-Case');
    const script = readFileSync(prelude, 'utf8');
    expect(script).toMatch(/^-- extension citext \d/m);
    // Rows of the table that a foreign key leads to, and of no other.
    expect(script).toContain('Italia');
    expect(script).not.toContain('visits');
    const empty = `${clinic.database}_empty`;
    await server.sql(`CREATE DATABASE ${empty}`);
    await run(program('psql'), ['-X', '-v', 'ON_ERROR_STOP=1', ...connection(empty), '-f', prelude], {
      env: environment,
    });
    const restore = ['--exit-on-error', ...connection(empty), await fetch('on-demand', 'Mixed-Case')];
    await run(program('pg_restore'), restore, { env: environment });
    expect(await read(empty)).toEqual(before);
    const schemas = `SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`;
    expect((await server.sql(schemas, empty)).map(({ name }) => name)).toEqual([
      'information_schema',
      'public',
      'tenant_Mixed-Case',
    ]);
    // What works with it works on.
    await server.sql(`INSERT INTO "tenant_Mixed-Case".patients (name, country) VALUES ('New', 'it')`, empty);
    const other = await run(program('pg_restore'), ['--file=-', await fetch('on-demand', '2')]);
    expect(other.stdout).toMatch(/^1\t100$/m);
  });
});

describe('with tenants that fail', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql(
      `CREATE ROLE keeper LOGIN PASSWORD 'keeper-secret' CREATEDB; GRANT pg_read_all_data TO keeper`,
    );
  });
  afterAll(() => server.stop());

  const asKeeper = (database: string) => ({
    DATABASE_URL: `postgresql://keeper:keeper-secret@127.0.0.1:${server.port}/${database}`,
    TENANT_SCHEMAS: 'tenant_*',
    ...QUICK,
  });

  test('rows of one are hidden by row security → that one fails by name, the others are stored; the run is no success', async () => {
    const { database } = await createClinic(server);
    await server.sql('ALTER TABLE tenant_2.patients ENABLE ROW LEVEL SECURITY', database);
    const agent = await testAgent(asKeeper(database));
    const { code, stderr } = await agent.run(['backup', '--tenants']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 of 4 tenants failed, 3 stored: 2: .*row-level security/);
    expect((await snapshotsOf(agent)).map(({ tags }) => tags.kind)).toEqual(['tenant-set']);
    const last = await lastRun(agent);
    expect(last).toMatchObject({ job: 'tenant-backup', result: 'failed' });
    expect(last?.facts.tenants?.find(({ id }) => id === '2')?.result).toBe('failed');
    // The next run clears up behind failed ones: what this one stored stays.
    expect((await agent.run(['backup', '--tenant', '1'])).code).toBe(0);
    expect((await snapshotsOf(agent)).filter(({ tags }) => tags.kind === 'tenant-set')).toHaveLength(1);
    const absent = await agent.run(['restore', database, '--tenant', '2', '--dry-run']);
    expect(absent.stderr).toMatch(/holds no snapshot of .* with tenant 2/);
  });

  test('one fails while files are written → the old files of the others are removed all the same, and of its own every one stays', async () => {
    const { database } = await createClinic(server);
    await server.sql('ALTER TABLE tenant_2.patients ENABLE ROW LEVEL SECURITY', database);
    const agent = await testAgent(asKeeper(database));
    const folder = join(agent.folder, 'backups');
    mkdirSync(folder);
    const old = (id: string) =>
      ['01', '02'].flatMap((day) =>
        ['dump', 'prelude.sql'].map((kind) => `${database}.tenant_${id}_202001${day}T000000Z.${kind}.gz`),
      );
    for (const name of [...old('1'), ...old('2')]) writeFileSync(join(folder, name), '');
    const output = ['--output', folder, '--keep', '2'];
    const { code, stderr } = await agent.run(['backup', '--tenants', ...output]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /1 of 4 tenants failed, 3 stored: 2: .*row-level security.*; 2 old files removed/s,
    );
    const names = readdirSync(folder);
    const of = (id: string) => names.filter((name) => name.startsWith(`${database}.tenant_${id}_`));
    expect(of('1')).toHaveLength(4);
    expect(of('1')).toEqual(expect.arrayContaining(old('1').slice(2)));
    expect(of('2')).toEqual(old('2'));
  });

  /** A run that waits for a table of tenant 2, and the session that has it. */
  async function waitingBackup(agent: TestAgent, database: string) {
    // Takes a while to be dumped as what the tenants share, before they are.
    await server.sql(
      `INSERT INTO public.countries SELECT n::text, repeat(md5(n::text), 4) FROM generate_series(1, 200000) n`,
      database,
    );
    const locked = lockedSchema(server, database, 'tenant_2');
    const backup = agent.start(['backup', '--tenants']);
    await until('pg_dump waits for the table', async () => {
      const rows = await server.sql(
        `SELECT FROM pg_stat_activity WHERE datname = '${database}' AND query LIKE 'LOCK TABLE%' AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    return { locked, backup };
  }

  test('a schema is dropped after the snapshot was taken → told as vanished, and the others are stored', async () => {
    const { database } = await createClinic(server);
    const agent = await testAgent(asKeeper(database));
    expect((await agent.run(['init'])).code).toBe(0);
    const { locked, backup } = await waitingBackup(agent, database);
    await locked.end('DROP SCHEMA tenant_2 CASCADE');
    const { code, stderr } = await backup.ended;
    expect(stderr).toMatch(/tenant 2 was not dumped: its schema tenant_2 was dropped meanwhile/);
    expect(code).toBe(3);
    expect((await lastRun(agent))?.facts.tenants?.map(({ id, result }) => [id, result])).toContainEqual([
      '2',
      'vanished',
    ]);
  });

  test('a table is truncated after the snapshot was taken, in which it is empty from then on → its tenant failed, and the others are stored', async () => {
    const { database } = await createClinic(server);
    const agent = await testAgent(asKeeper(database));
    expect((await agent.run(['init'])).code).toBe(0);
    const { locked, backup } = await waitingBackup(agent, database);
    await locked.end('TRUNCATE tenant_2.patients CASCADE');
    const { code, stderr } = await backup.ended;
    expect(stderr).toMatch(/1 of 4 tenants failed, 3 stored: 2: tenant_2\.\S+ was truncated or rewritten/);
    expect(code).toBe(1);
    const absent = await agent.run(['restore', database, '--tenant', '2', '--dry-run']);
    expect(absent.stderr).toMatch(/holds no snapshot of .* with tenant 2/);
  });

  test('the agent is killed while the set is stored → no snapshot of it, and the next run clears up and is good', async () => {
    const { database } = await createClinic(server);
    const agent = await testAgent(asKeeper(database));
    expect((await agent.run(['init'])).code).toBe(0);
    const halted = haltedRestic(agent.folder);
    const backup = agent.start(['backup', '--tenants'], { HOLDFAST_RESTIC: halted.path });
    await until('all is staged', async () => halted.reached());
    const staging = join(agent.folder, 'state', 'run', 'holdfast-staging');
    expect(readdirSync(join(staging, 'postgres', database))).toContain('tenant_2.dump');
    backup.child.kill('SIGKILL');
    await backup.ended;
    halted.letGo();
    expect(agent.snapshots()).toEqual([]);
    expect(readdirSync(staging)).toEqual(['postgres']);
    const next = await agent.run(['backup', '--tenants']);
    expect(next.stderr).toMatch(/was interrupted: the agent died/);
    expect(agent.snapshots()).toHaveLength(1);
    expect(existsSync(staging)).toBe(false);
  });

  test.each([
    { what: 'an unknown tenant', args: ['--tenant', `4'; DROP`], says: /no tenant|has no schema/ },
    { what: 'two parts at once', args: ['--tenants', '--global'], says: /exclude each other/ },
    {
      what: 'old files to be removed in a repository',
      args: ['--keep', '3'],
      says: /--keep goes with --output/,
    },
  ])('$what → refused, nothing stored', async ({ args, says }) => {
    const { database } = await createClinic(server);
    const agent = await testAgent(asKeeper(database));
    const { code, stderr } = await agent.run(['backup', ...args]);
    expect(stderr).toMatch(says);
    expect(code).not.toBe(0);
    expect(agent.snapshots()).toEqual([]);
  });

  test('a source without tenants → refused, with what to write', async () => {
    const { database } = await createClinic(server);
    const agent = await testAgent({ ...asKeeper(database), TENANT_SCHEMAS: '' });
    const { code, stderr } = await agent.run(['backup', '--tenants']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/has no tenants[^]*TENANT_SCHEMAS/);
  });
});

/**
 * A session that takes a table of the schema as soon as what the tenants share is being dumped, and does something when it is told to. It
 * looks by itself, for the moment is short.
 */
function lockedSchema(server: TestServer, database: string, schema: string) {
  const login = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'boss', '-d', database];
  const child = execFile('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...login], {
    env: { ...process.env, PGPASSWORD: 'bosspw' },
  });
  child.stdin?.write(`BEGIN;
    DO $$ BEGIN
      FOR i IN 1..6000 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY public.countries%');
        PERFORM pg_sleep(0.01);
      END LOOP;
    END $$;
    LOCK TABLE ${schema}.patients IN ACCESS EXCLUSIVE MODE;\n`);
  return {
    end: (sql: string) => {
      child.stdin?.end(`${sql}; COMMIT;\n`);
      return new Promise((resolve) => child.once('close', resolve));
    },
  };
}

describe('plain files', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const databases = async () =>
    (await server.sql('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name));

  test('global and full, as files → what belongs to no tenant, and everything; each loads into a new database', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const folder = join(agent.folder, 'backups');
    // Of a tenant, too: a restore has replaced it.
    await server.sql(
      'CREATE SCHEMA tenant_1_old_20261101_150000; CREATE TABLE tenant_1_old_20261101_150000.patients (id int)',
      clinic.database,
    );
    for (const part of [['--global'], []])
      expect(await agent.run(['backup', ...part, '--output', folder])).toMatchObject({ code: 0 });
    expect(agent.snapshots()).toEqual([]);
    expect(agent.lastOk()).toBeNull();
    const file = (pattern: RegExp) =>
      join(
        folder,
        readdirSync(folder).find((name) => pattern.test(name))!,
      );
    const schemasIn = async (path: string, to: string) => {
      expect(await agent.run(['load', path, '--to', to])).toMatchObject({ code: 0 });
      const rows = await server.sql(
        `SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^(tenant|orphans)' ORDER BY 1`,
        to,
      );
      return rows.map(({ name }) => name);
    };
    const name = clinic.database;
    expect(await schemasIn(file(/Z\.global\.dump\.gz$/), `${name}_global`)).toEqual(['orphans']);
    expect(await schemasIn(file(/Z\.dump\.gz$/), `${name}_full`)).toHaveLength(2 + CLINIC_TENANTS.length);
    expect(gunzipSync(readFileSync(file(/Z\.global\.roles\.sql\.gz$/))).toString()).toContain(
      'CREATE ROLE clinic_app',
    );
  });

  test('a view outside builds on a tenant → what belongs to no tenant cannot be loaded without it: said, and no database is left', async () => {
    const clinic = await createClinic(server);
    await server.sql('CREATE VIEW public.all_sick AS SELECT name FROM tenant_1.sick', clinic.database);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const folder = join(agent.folder, 'backups');
    expect((await agent.run(['backup', '--global', '--output', folder])).code).toBe(0);
    const file = readdirSync(folder).find((name) => name.endsWith('Z.global.dump.gz'))!;
    const before = await databases();
    const { code, stderr } = await agent.run(['load', join(folder, file), '--to', `${clinic.database}_new`]);
    expect(stderr).toMatch(/"tenant_1\.sick" does not exist/);
    expect(code).toBe(1);
    expect(await databases()).toEqual(before);
  });

  test('a set of tenants written out of the repository → each loads with what its prelude takes in beside it', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    expect(await agent.run(['backup', '--tenants'])).toMatchObject({ code: 0 });
    const [set] = await snapshotsOf(agent);
    const out = join(agent.folder, 'out');
    const written = await agent.run(['restore', clinic.database, '--snapshot', set!.id, '--output', out]);
    expect(written).toMatchObject({ code: 0 });
    const dump = join(out, clinic.database, 'tenant_1.dump');
    const to = `${clinic.database}_look`;
    const loaded = await agent.run(['load', dump, '--tenant', '1', '--to', to]);
    expect(loaded.stderr).toMatch(/restored .*tenant_1\.dump/);
    expect(loaded.code).toBe(0);
    const count = 'SELECT count(*) FROM tenant_1.patients';
    expect(await server.sql(count, to)).toEqual(await server.sql(count, clinic.database));

    rmSync(join(out, clinic.database, 'shared'), { recursive: true });
    const before = await databases();
    const lacking = await agent.run(['load', dump, '--tenant', '1']);
    expect(lacking.stderr).toMatch(/tenant_1\.prelude\.sql takes in shared\/\w+\.sql, which cannot be read/);
    expect(lacking.code).toBe(2);
    expect(await databases()).toEqual(before);
  });

  test('everything as a file, where no proof is kept → each table is read once, and not for a proof too', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const scans = async () => {
      const [row] = await server.sql(
        `SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relid = 'tenant_1.patients'::regclass`,
        clinic.database,
      );
      return Number(row?.['n']);
    };
    const before = await scans();
    const output = ['--output', join(agent.folder, 'backups')];
    expect(await agent.run(['backup', ...output])).toMatchObject({ code: 0 });
    await until('the dump is counted', async () => (await scans()) > before);
    expect(await scans()).toBe(before + 1);
    expect(await agent.run(['backup'])).toMatchObject({ code: 0 });
    await until('the dump and its proof are counted', async () => (await scans()) >= before + 3);
  });

  test('no repository is named → files are written and loaded; what would store in one is refused, and nothing lies anywhere', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    expect(await agent.run(['backup'])).toMatchObject({ code: 0 });
    const status = () => readFileSync(join(agent.folder, 'status', 'status.json'), 'utf8');
    const told = status();
    const none = { RESTIC_REPOSITORY: '' };
    const folder = join(agent.folder, 'backups');
    for (const part of [[], ['--tenant', '1']]) {
      const { code, stderr } = await agent.run(['backup', ...part, '--output', folder], none);
      expect(stderr).not.toMatch(/warning|error/);
      expect(code).toBe(0);
    }
    const file = readdirSync(folder).find((name) => /tenant_1_.*Z\.dump\.gz$/.test(name))!;
    const to = `${clinic.database}_look`;
    expect(await agent.run(['load', join(folder, file), '--tenant', '1', '--to', to], none)).toMatchObject({
      code: 0,
    });
    expect(status()).toBe(told);
    for (const args of [['backup'], ['backup', '--tenant', '1'], ['snapshots'], ['check']]) {
      const { code, stderr } = await agent.run(args, none);
      expect(stderr).toMatch(/RESTIC_REPOSITORY is missing/);
      expect(code).toBe(2);
    }
  });

  test('older files of the same name → all but so many removed, those of others stay', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const folder = join(agent.folder, 'backups');
    await agent.run(['backup', '--tenant', '1', '--output', folder]);
    const stem = `${clinic.database}.tenant_1`;
    for (const name of [`${stem}_20200101T000000Z.dump.gz`, `${stem}0_20200101T000000Z.dump.gz`, 'notes.txt'])
      writeFileSync(join(folder, name), '');
    const { code, stderr } = await agent.run(['backup', '--tenant', '1', '--output', folder, '--keep', '1']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/old files? removed/);
    const names = readdirSync(folder);
    expect(names.filter((name) => name.startsWith(`${stem}_`))).toHaveLength(2);
    expect(names).toEqual(expect.arrayContaining([`${stem}0_20200101T000000Z.dump.gz`, 'notes.txt']));
  });

  test('a wrong file, a damaged one, a database that is there → said before or undone after; no database is left', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    await agent.run(['backup', '--tenant', '1', '--output', agent.folder]);
    const names = readdirSync(agent.folder);
    const dump = join(
      agent.folder,
      names.find((name) => /tenant_1_.*Z\.dump\.gz$/.test(name))!,
    );
    const plain = gunzipSync(readFileSync(dump));
    const written = (name: string, bytes: Buffer | string) => {
      writeFileSync(join(agent.folder, name), bytes);
      return join(agent.folder, name);
    };
    const before = await databases();
    const cases: { args: string[]; says: RegExp; code: number }[] = [
      { args: [join(agent.folder, 'absent')], says: /cannot be read/, code: 2 },
      { args: [written('nothing', '')], says: /is empty/, code: 2 },
      { args: [dump, '--tenant', '2'], says: /holds the schema "tenant_1", and not tenant 2/, code: 2 },
      { args: [dump, '--script'], says: /is an archive of pg_dump, and not a script/, code: 2 },
      {
        args: [written('text', 'SELECT 1;'), '--tenant', '1'],
        says: /is a script, and not a tenant's dump/,
        code: 2,
      },
      {
        args: [written('cut.dump', plain.subarray(0, plain.length / 2))],
        says: /error|failed|not whole/,
        code: 1,
      },
      { args: [written('cut.gz', readFileSync(dump).subarray(0, 900))], says: /damaged|ends in/, code: 1 },
      {
        args: [written('bad.sql', 'CREATE TABLE a (id int);\nSELECT nonsense;\n'), '--script'],
        says: /nonsense/,
        code: 1,
      },
      {
        args: [
          written('newer.dump', Buffer.concat([plain.subarray(0, 6), Buffer.from([99]), plain.subarray(7)])),
        ],
        says: /unsupported version[^]*newer PostgreSQL/,
        code: 1,
      },
      {
        args: [
          written('cut.sql', '--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE a (id int);\n'),
          '--script',
        ],
        says: /lacks its last line/,
        code: 1,
      },
      { args: [dump, '--to', clinic.database], says: /there is a database .* already/, code: 1 },
      // Without the prelude its types are missing.
      { args: [dump], says: /failed/, code: 1 },
    ];
    for (const { args, says, code } of cases) {
      const ended = await agent.run(['load', ...args]);
      expect.soft(ended.stderr, args.join(' ')).toMatch(says);
      expect.soft(ended.code, args.join(' ')).toBe(code);
      expect.soft(await databases(), args.join(' ')).toEqual(before);
    }
  });

  test('the disk is full where files are written, or where what tenants share is staged → said, nothing half written', async () => {
    const clinic = await createClinic(server);
    await server.sql(
      `INSERT INTO public.countries SELECT n::text, repeat(md5(n::text), 20) FROM generate_series(1, 10000) n`,
      clinic.database,
    );
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    const full = join(agent.folder, 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', full]);
    onTestFinished(() => void execFileSync('umount', ['-l', full]));
    const files = await agent.run(['backup', '--global', '--output', full], { BACKUP_COMPRESSION: 'none' });
    expect(files.code).toBe(1);
    expect(files.stderr).toMatch(/could not be written: .*ENOSPC/);
    expect(readdirSync(full).filter((name) => /global\.dump|partial/.test(name))).toEqual([]);
    const staged = await agent.run(['backup', '--tenant', '1'], { HOLDFAST_STATE_DIR: full });
    expect(staged.code).toBe(1);
    expect(staged.stderr).toMatch(/what the tenants share could not be written/);
    const set = await agent.run(['backup', '--tenants'], { HOLDFAST_STATE_DIR: full });
    expect(set.code).toBe(1);
    expect(set.stderr).toMatch(/staging 4 tenants .* takes about .* free/);
  });

  test('rows that unpack to a hundred times what they take → the disk runs full while the set is staged: said, nothing stored, nothing left', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent({ ...clinic.environment, ...QUICK });
    expect((await agent.run(['init'])).code).toBe(0);
    await server.sql(
      `CREATE TABLE tenant_2.scans (id int PRIMARY KEY, page text);
       INSERT INTO tenant_2.scans SELECT n, repeat('x', 1000000) FROM generate_series(1, 300) n`,
      clinic.database,
    );
    const state = join(agent.folder, 'small');
    mkdirSync(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=150m', 'tmpfs', state]);
    onTestFinished(() => void execFileSync('umount', ['-l', state]));
    const { code, stderr } = await agent.run(['backup', '--tenants'], { HOLDFAST_STATE_DIR: state });
    expect(code).toBe(1);
    expect(stderr).toMatch(/failed: staging 4 tenants .* was ended after .* no more room in/);
    expect(await snapshotsOf(agent)).toEqual([]);
    expect(readdirSync(join(state, 'run')).filter((name) => name.includes('staging'))).toEqual([]);
    const held = "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE state = 'idle in transaction'";
    expect(await server.sql(held)).toEqual([{ sessions: 0 }]);
    await server.sql('DROP TABLE tenant_2.scans', clinic.database);
    expect(await agent.run(['backup', '--tenants'], { HOLDFAST_STATE_DIR: state })).toMatchObject({
      code: 0,
    });
  });

  test('what belongs to no tenant, and a group, have schedules → the daemon stores both, the history names them, and the heartbeat stays', async () => {
    const clinic = await createClinic(server);
    const agent = await testAgent(QUICK);
    const config = join(agent.folder, 'holdfast.yml');
    const everySecond = "'* * * * * *'";
    writeFileSync(
      config,
      `schedule: {backup: 0 0 1 1 *, verify: 0 0 1 1 *}
sources:
  - url: ${clinic.environment['DATABASE_URL']}
    tenants:
      schemas: tenant_*
      global: {schedule: ${everySecond}}
      groups: [{name: high, match: ['2'], schedule: ${everySecond}}]
`,
    );
    const daemon = agent.start(['run'], { HOLDFAST_CONFIG: config });
    const kinds = async () => new Set((await snapshotsOf(agent)).map(({ tags }) => tags.kind));
    await until('the repository is there', async () =>
      existsSync(join(agent.folder, 'repository', 'config')),
    );
    await until('both are stored', async () => {
      const stored = await kinds();
      return ['global', 'global-roles', 'tenant-set'].every((kind) => stored.has(kind));
    });
    daemon.child.kill('SIGTERM');
    const { code, stderr } = await daemon.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/next global-backup of \S+: /);
    const runs = JSON.parse(
      (await agent.run(['history', '--limit', '100', '--json'], { HOLDFAST_CONFIG: config })).stdout,
    ) as { job: string; trigger: string; result: string; facts: { group?: string } }[];
    const succeeded = runs.filter(({ result }) => result === 'succeeded');
    expect(succeeded).toContainEqual(
      expect.objectContaining({
        job: 'global-backup',
        trigger: 'schedule',
        facts: expect.not.objectContaining({ group: 'high' }) as object,
      }),
    );
    expect(succeeded).toContainEqual(
      expect.objectContaining({
        job: 'tenant-backup',
        facts: expect.objectContaining({ group: 'high' }) as object,
      }),
    );
    expect(agent.lastOk()).toBeNull();
    const status = (await agent.run(['status'], { HOLDFAST_CONFIG: config })).stdout;
    expect(status).toMatch(/^global of \S+ +\S+Z +\S+Z +(succeeded|interrupted)/m);
  });
});
