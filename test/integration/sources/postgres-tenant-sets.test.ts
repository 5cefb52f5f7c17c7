import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Proof } from '../../../agent/proof/proof.ts';
import { createSource, createTenantDumps } from '../../../agent/sources/create.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { postgresConfig, testDeps } from '../../helpers/sources.ts';
import { createClinic } from '../../helpers/tenant-clinic.ts';

const never = new AbortController().signal;
const major = String(postgresMajors()[0]);
let server: TestServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** A pg_dump behind whose pass over the tenants a statement runs, before anything is proved. */
function programsThat(database: string, sql: string): string {
  const root = temporaryFolder();
  const bin = join(root, major, 'bin');
  mkdirSync(bin, { recursive: true });
  const psql = `PGPASSWORD=bosspw psql -h 127.0.0.1 -p ${server.port} -U boss -d ${database} -q -c '${sql}' >/dev/null 2>&1`;
  fakeProgram(
    bin,
    'pg_dump',
    `${join(POSTGRES_ROOT, major, 'bin/pg_dump')} "$@"; code=$?; case "$*" in *--schema=*) ${psql} ;; esac; exit $code`,
  );
  fakeProgram(bin, 'pg_restore', `exec ${join(POSTGRES_ROOT, major, 'bin/pg_restore')} "$@"`);
  return root;
}

test('a schema is dropped when its dump has ended and before it is proved → its proof alone is none, and all dumps are there', async () => {
  const { database } = await createClinic(server);
  const config = postgresConfig({
    name: database,
    database,
    port: server.port,
    tenants: {
      found: { kind: 'schemas', pattern: 'tenant_*' },
      ...{ jobs: 2, priority: [], globalSchedule: null, groups: [], verify: null, afterRestore: null },
    },
  });
  const tools = { postgresDirs: [programsThat(database, 'DROP SCHEMA tenant_2 CASCADE')] };
  const deps = { ...testDeps(), tools };
  const dumps = createTenantDumps(config, deps);
  const probe = await createSource(config, deps).probe(never);
  const tenants = ['1', '2', 'Mixed-Case'].map((id) => ({ id, schema: `tenant_${id}` }));
  const proofs = new Map<string, Proof>();
  const staged = await dumps!.atOneMoment({ tenants, probe }, never, (moment) =>
    moment.stage(
      {
        tenants,
        staging: temporaryFolder(),
        encodeProof: (dump, proof) => {
          proofs.set(dump.split('/').at(-1) ?? '', proof);
          return JSON.stringify(proof);
        },
        onBytes: () => Promise.resolve(),
        onStep: () => undefined,
      },
      never,
    ),
  );
  expect(staged.left).toEqual([]);
  expect(staged.tenants.map(({ tenant, unproven }) => [tenant.id, unproven])).toEqual([
    ['1', null],
    ['2', expect.stringMatching(/could not be read/)],
    ['Mixed-Case', null],
  ]);
  const whole = proofs.get('tenant_1.dump');
  expect(whole?.tables.map(({ rows }) => rows)).toEqual([1, 200]);
  expect(whole?.counters).toHaveLength(1);
  expect(whole?.objects.length).toBeGreaterThan(10);
});
