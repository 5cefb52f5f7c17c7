import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agent/core/clock.ts';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';

describe('tenants that are verified by themselves', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql(CLINIC_ROLES);
  });
  afterAll(() => server.stop());

  const databases = async () =>
    (await server.sql('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name));
  /** A database of its own with an agent that verifies its tenants by turns. */
  async function clinic(name: string) {
    await server.sql(`CREATE DATABASE ${name}`);
    await server.sql(clinicDatabase(), name);
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
      name,
    );
    const agent = await testAgent({ BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' });
    const file = join(agent.folder, 'holdfast.yml');
    const url = `postgresql://boss:bosspw@127.0.0.1:${server.port}/${name}`;
    const tenants = "{schemas: 'tenant_*', verify: {every: 30d}}";
    writeFileSync(file, `sources:\n  - url: ${url}\n    tenants: ${tenants}\n`);
    return { agent, run: (...args: string[]) => agent.run(args, { HOLDFAST_CONFIG: file }) };
  }
  /** As the sentinel reads it. */
  const standing = ({ environment }: TestAgent) => {
    const path = join(environment['HOLDFAST_STATUS_DIR'] ?? '', 'status.json');
    const { sources } = JSON.parse(readFileSync(path, 'utf8')) as {
      sources: { tenants: { total: number; failed: { total: number } } }[];
    };
    return sources[0]?.tenants;
  };
  const newestRun = ({ environment }: TestAgent) => {
    const ledger = openLedger(join(environment['HOLDFAST_STATE_DIR'] ?? '', 'ledger.db'), systemClock);
    const [run] = ledger.recent({ limit: 1 });
    ledger.close();
    return run!;
  };

  test('by turns out of one backup → each proved by itself and nothing else touched', async () => {
    const { agent, run } = await clinic('clinic');
    expect(await run('backup')).toMatchObject({ code: 0 });
    const [before, there] = [await checksumsOf(server, 'clinic'), await databases()];
    const first = await run('verify', '--tenants');
    expect(first.stderr).toMatch(/proved 4 tenants out of \w{8} of .*: \d+ tables, \d+ rows/);
    // What only a function's text names is not there.
    expect([first.code, first.stderr]).toEqual([
      3,
      expect.stringMatching(/not verified: tenant 100: .* relation "public\.log" does not exist/),
    ]);
    const turn = newestRun(agent);
    expect([turn.job, turn.result]).toEqual(['tenant-verify', 'succeeded']);
    expect(turn.facts.verifiedTenants?.map(({ id, verdict, rows }) => [id, verdict, rows])).toEqual([
      ['42', 'proved', 90],
      ['43', 'proved', 60],
      ['100', 'not run', 0],
      ['new', 'proved', 0],
      ['North-East', 'proved', 30],
    ]);
    expect(await checksumsOf(server, 'clinic')).toEqual(before);
    expect(await databases()).toEqual(there);

    // Proved out of that backup already: the others alone are tried.
    await run('verify', '--tenants');
    const again = newestRun(agent);
    expect(again.facts.verifiedTenants?.map(({ id }) => id)).toEqual(['100']);
    expect(again.facts.tenantsLeft).toEqual([
      {
        why: expect.stringMatching(/^proved out of \w{8} already$/) as unknown,
        tenants: expect.arrayContaining([{ id: '42', schema: 'tenant_42' }]) as unknown,
      },
    ]);
    const good = await run('tenants');
    expect([good.code, good.stdout]).toEqual([
      0,
      expect.stringMatching(/OLDEST PROOF of clinic: tenant 100, none; each is to be proved every 30 days/),
    ]);
    expect(standing(agent)).toMatchObject({
      total: 5,
      failed: { total: 0 },
      overdue: { total: 0 },
    });
    const unknown = await run('verify', '--tenant', `4'; DROP`);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/does not hold it/)]);
  });

  test('one that cannot be restored → fails by name, and is told until it is proved; the others are proved beside it', async () => {
    const { agent, run } = await clinic('failing');
    const allowed = (answer: boolean) =>
      `CREATE OR REPLACE FUNCTION public.allowed(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ${answer}'`;
    // Its rows were allowed once, and are not when they come back.
    await server.sql(allowed(true), 'failing');
    await server.sql('ALTER TABLE tenant_43.notes_1 ADD CHECK (public.allowed(id))', 'failing');
    await server.sql(allowed(false), 'failing');
    expect(await run('backup')).toMatchObject({ code: 0 });
    const there = await databases();
    const failing = await run('verify', '--tenants');
    expect([failing.code, failing.stderr]).toEqual([
      1,
      expect.stringMatching(/1 of 5 tenants did not come back .*tenant 43: .*violates check constraint/),
    ]);
    expect(
      newestRun(agent).facts.verifiedTenants?.filter(({ verdict }) => verdict === 'proved'),
    ).toHaveLength(3);
    expect(await databases()).toEqual(there);

    expect(await run('verify', '--tenant', '42')).toMatchObject({ code: 0 });
    const listed = await run('tenants');
    expect([listed.code, listed.stderr]).toEqual([
      3,
      expect.stringMatching(/the newest verification of tenant 43 failed: .*violates check constraint/),
    ]);
    expect((await run('status')).stdout).toMatch(/the newest verification of tenant 43 of failing failed/);
    const told = standing(agent);
    expect(told).toMatchObject({ failed: { total: 1, tenants: [{ tenant: '43' }] } });

    await server.sql(allowed(true), 'failing');
    expect(await run('backup')).toMatchObject({ code: 0 });
    expect((await run('verify', '--tenant', '43')).stderr).toMatch(/proved 1 tenant out of/);
    expect(standing(agent)?.failed.total).toBe(0);
  });
});
