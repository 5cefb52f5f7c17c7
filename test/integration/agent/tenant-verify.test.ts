import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';

interface Verified {
  id: string;
  verdict: string;
  why: string | null;
  rows: number;
}

interface TurnRun {
  job: string;
  result: string;
  reason: string;
  facts: {
    verifiedTenants: Verified[];
    tenantsLeft: { why: string; tenants: { id: string }[] }[];
  };
}

describe('tenants that are verified by themselves', () => {
  let server: TestServer;
  let agent: TestAgent;
  let environment: Record<string, string>;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql(CLINIC_ROLES);
    await server.sql('CREATE DATABASE clinic');
    await server.sql(clinicDatabase(), 'clinic');
    // Shared rows in partitions, to which a key leads; a function whose text alone names another table.
    await server.sql(
      `CREATE TABLE public.plans (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
       CREATE TABLE public.plans_1 PARTITION OF public.plans FOR VALUES FROM (0) TO (10);
       INSERT INTO public.plans VALUES (1, 'small'), (2, 'large');
       CREATE TABLE public.log AS SELECT n FROM generate_series(1, 1000) n;
       ALTER TABLE tenant_42.appointments ADD plan int REFERENCES public.plans DEFAULT 1;
       CREATE FUNCTION public.known(n int) RETURNS boolean LANGUAGE plpgsql AS
         'BEGIN RETURN EXISTS (SELECT FROM public.log WHERE log.n = known.n); END';
       CREATE TABLE tenant_100.odd (n int CHECK (public.known(n))); INSERT INTO tenant_100.odd VALUES (5);`,
      'clinic',
    );
  });
  afterAll(() => server.stop());

  const databases = async () =>
    (await server.sql('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name));
  const configure = (verify: string, more = '') => {
    const file = join(agent.folder, 'holdfast.yml');
    const url = `postgresql://boss:bosspw@127.0.0.1:${server.port}/clinic`;
    writeFileSync(
      file,
      `sources:\n  - url: ${url}\n    tenants: {schemas: 'tenant_*', verify: ${verify}}\n${more}`,
    );
    environment = { HOLDFAST_CONFIG: file };
  };
  const run = (...args: string[]) => agent.run(args, environment);
  const lastRun = async () =>
    (JSON.parse((await run('history', '--limit', '1', '--json')).stdout) as TurnRun[])[0]!;

  test('each out of one backup of everything → proved one by one, and nothing but the scratch was touched', async () => {
    agent = await testAgent({ BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' });
    configure('{every: 30d}');
    expect(await run('backup')).toMatchObject({ code: 0 });
    const [before, there] = [await checksumsOf(server, 'clinic'), await databases()];
    const first = await run('verify', '--tenants');
    console.log(first.stderr);
    const last = await lastRun();
    console.log(JSON.stringify(last, null, 1));
    expect(await checksumsOf(server, 'clinic')).toEqual(before);
    expect(await databases()).toEqual(there);
  });
});
