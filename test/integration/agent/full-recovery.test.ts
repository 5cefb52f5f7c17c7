import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { createClinic, type Clinic } from '../../helpers/tenant-clinic.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

interface Recovery {
  result: string;
  sharedSeconds: number;
  tenants: { tenant: string; result: string; why: string | null; seconds: number }[];
}

/** A lock in the restored database by which a test holds up the tenant whose rows are checked by `held`. */
const LOCK = 4711;

describe('a full recovery by priority', () => {
  let server: TestServer;
  let clinic: Clinic;
  beforeAll(async () => {
    server = await startPostgres();
    clinic = await createClinic(server);
    // `summary` builds on two tenants, and its rights and a trigger on events would act on what comes after them.
    await server.sql(
      `CREATE FUNCTION public.held() RETURNS bool LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_advisory_xact_lock_shared(${LOCK}); RETURN true; END $$;
       ALTER TABLE tenant_1.patients ADD CHECK (public.held());
       CREATE VIEW public.summary AS SELECT count(*) FROM (SELECT name FROM tenant_1.patients UNION ALL SELECT name FROM tenant_2.patients) p;
       ALTER TABLE tenant_2."Odd Name" ADD PRIMARY KEY (id);
       CREATE TABLE tenant_1.refers (id int REFERENCES tenant_2."Odd Name"); INSERT INTO tenant_1.refers VALUES (1);
       ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO clinic_app;
       CREATE FUNCTION public.no_drops() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
       CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.no_drops();
       SELECT lo_from_bytea(0, 'scan');`,
      clinic.database,
    );
  });
  afterAll(() => server.stop());

  const agentWith = () =>
    testAgent({ ...clinic.environment, BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' });

  /** By their ids alone, tenant 1 would come first. */
  const prioritized = (agent: TestAgent, format: string) => {
    const file = join(agent.folder, 'holdfast.yml');
    const { RESTIC_REPOSITORY: location, RESTIC_PASSWORD: password, ...given } = agent.environment;
    const tenants = { schemas: given['TENANT_SCHEMAS'], priority: ['2', 'tenant_M*'] };
    const source = { name: 'clinic', url: given['DATABASE_URL'], format, tenants };
    writeFileSync(file, JSON.stringify({ repository: { location, password }, sources: [source] }));
    return {
      ...{ HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' },
      ...{ RESTIC_REPOSITORY: '', RESTIC_PASSWORD: '' },
    };
  };

  test.each([
    { of: 'one archive', format: 'custom' },
    { of: 'a folder', format: 'directory' },
  ])(
    'of $of: a critical tenant is back while the next is loading → a reader sees all of it; all is equal to the source',
    async ({ format }) => {
      const agent = await agentWith();
      const environment = prioritized(agent, format);
      expect(await agent.run(['backup'], environment)).toMatchObject({ code: 0 });
      const name = `back_${format}`;
      const restore = agent.start(['restore', 'clinic', '--to', name, '--by-tenant', '--json'], environment);
      await until('the new database is there', async () => (await databases()).includes(name));
      const holding = await holdUp(name);
      await until('tenant 2 is back', async () => (await has(name, 'tenant_2')) === 200);
      await until('tenant 1 is being loaded', holding.isWaitedFor);
      expect(await has(name, 'tenant_Mixed-Case')).toBe(200);
      expect(await has(name, 'tenant_1')).toBeNull();
      await holding.letGo();

      const { code, stdout, stderr } = await restore.ended;
      expect(stderr).toMatch(/equal to the source/);
      expect(code).toBe(0);
      const recovery = JSON.parse(stdout) as Recovery;
      expect(recovery.tenants.map(({ tenant }) => tenant)).toEqual(['2', 'Mixed-Case', '1', 'empty']);
      const times = [recovery.sharedSeconds, ...recovery.tenants.map(({ seconds }) => seconds)];
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(await server.sql('SELECT count FROM public.summary', name)).toEqual([{ count: '400' }]);
    },
  );

  test('told to stop while a tenant is loading → the database stays for those that are back, and they are named', async () => {
    const agent = await agentWith();
    const environment = prioritized(agent, 'custom');
    expect(await agent.run(['backup'], environment)).toMatchObject({ code: 0 });
    const restore = agent.start(['restore', 'clinic', '--to', 'stopped', '--by-tenant'], environment);
    await until('the new database is there', async () => (await databases()).includes('stopped'));
    const holding = await holdUp('stopped');
    await until('tenant 1 is being loaded', holding.isWaitedFor);
    restore.child.kill('SIGTERM');
    const { code, stdout, stderr } = await restore.ended;
    await holding.letGo();
    expect(stderr).toMatch(
      /stopped stays, with 2 tenants of \S+, and was not compared with the proof: it was told to stop/,
    );
    expect(stdout).toMatch(/^2 +tenant_2 +yes/m);
    expect(code).toBe(1);
    expect(await has('stopped', 'tenant_2')).toBe(200);
    expect(await has('stopped', 'tenant_1')).toBeNull();
  });

  test('a tenant does not come back → named, the others are there and what builds on it is left out; the run has failed', async () => {
    const agent = await agentWith();
    // In no other database its rows are right.
    await server.sql(
      `CREATE FUNCTION public.here() RETURNS bool LANGUAGE sql AS $$ SELECT current_database() = '${clinic.database}' $$;
       ALTER TABLE tenant_1.patients ADD CHECK (public.here());`,
      clinic.database,
    );
    expect(await agent.run(['backup'])).toMatchObject({ code: 0 });
    const restore = ['restore', clinic.database, '--to', 'most', '--by-tenant'];
    const { code, stdout, stderr } = await agent.run(restore);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /most is there and not whole; 1 of 4 tenants did not come back: 1: cannot restore .*tenant_1\.patients/,
    );
    expect(stderr).toMatch(/left out[^]*compared with the proof: /);
    expect(stdout).toMatch(/^1 +tenant_1 +no/m);
    expect(stdout).toMatch(/^2 +tenant_2 +yes/m);
    expect(await has('most', 'tenant_2')).toBe(200);
    expect(await has('most', 'tenant_1')).toBeNull();
    expect((await agent.lastRun()).result).toBe('failed');
    for (const [args, says] of [
      [['--by-tenant'], /--by-tenant goes with --to/],
      [['--to', 'x', '--by-tenant', '--tenant', '1'], /exclude each other/],
    ] as const) {
      expect((await agent.run(['restore', clinic.database, ...args])).stderr).toMatch(says);
    }
  });

  const databases = async () =>
    (await server.sql('SELECT datname AS name FROM pg_database')).map(({ name }) => String(name));

  /** How many patients a tenant has; null where it is not there. */
  const has = async (database: string, schema: string): Promise<number | null> => {
    const [there] = await server.sql(
      `SELECT to_regclass('"${schema}".patients') IS NOT NULL AS there`,
      database,
    );
    if (there?.['there'] !== true) return null;
    const [row] = await server.sql(`SELECT count(*)::int AS rows FROM "${schema}".patients`, database);
    return Number(row?.['rows']);
  };

  const holdUp = async (database: string) => {
    const ended = server.sql(
      `SELECT pg_advisory_lock(${LOCK}); SET application_name = 'holding'; SELECT pg_sleep(60)`,
      database,
    );
    ended.catch(() => undefined);
    const holders = `SELECT pid FROM pg_stat_activity WHERE application_name = 'holding'`;
    await until('the lock is held', async () => (await server.sql(holders)).length > 0);
    return {
      isWaitedFor: async () =>
        (await server.sql(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).length > 0,
      letGo: async () => {
        await server.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holding'`,
        );
        await ended.catch(() => undefined);
      },
    };
  };
});
