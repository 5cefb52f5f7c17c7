import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Proof } from '../../../agent/proof/proof.ts';
import { createSource, createTenantDumps } from '../../../agent/sources/create.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { postgresConfig, tenantsByPattern, testDeps } from '../../helpers/sources.ts';
import { createClinic } from '../../helpers/tenant-clinic.ts';

const never = new AbortController().signal;
const major = String(postgresMajors()[0]);
let server: TestServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** A pg_dump of whose passes over tenants something becomes, as `command` says in shell; `$real` is the program. */
function programsThat(command: string): string {
  const root = temporaryFolder();
  const bin = join(root, major, 'bin');
  mkdirSync(bin, { recursive: true });
  const real = join(POSTGRES_ROOT, major, 'bin');
  fakeProgram(
    bin,
    'pg_dump',
    `real=${real}/pg_dump; case "$*" in *--schema=*) ${command} ;; *) exec "$real" "$@" ;; esac`,
  );
  fakeProgram(bin, 'pg_restore', `exec ${real}/pg_restore "$@"`);
  return root;
}

/** What is staged of tenants of a clinic by such programs, and the proofs by the names of their dumps. */
async function staged(database: string, programs: string, limitMs: number, ids = ['1', '2', 'Mixed-Case']) {
  const config = postgresConfig({
    name: database,
    database,
    port: server.port,
    tenants: tenantsByPattern(),
  });
  const deps = { ...testDeps(), tools: { postgresDirs: [programs] } };
  const dumps = createTenantDumps(config, deps);
  const probe = await createSource(config, deps).probe(never);
  const tenants = ids.map((id) => ({ id, schema: `tenant_${id}` }));
  const proofs = new Map<string, Proof>();
  const encodeProof = (dump: string, proof: Proof) => {
    proofs.set(dump.split('/').at(-1) ?? '', proof);
    return JSON.stringify(proof);
  };
  const order = {
    ...{ tenants, staging: temporaryFolder(), encodeProof, limitMs },
    ...{ onBytes: () => Promise.resolve(), onStep: () => undefined },
  };
  const set = await dumps!.atOneMoment({ tenants, probe }, never, (moment) => moment.stage(order, never));
  return { set, proofs };
}

test('a schema is dropped when its dump has ended and before it is proved → its proof alone is none, and all dumps are there', async () => {
  const { database } = await createClinic(server);
  const psql = `PGPASSWORD=bosspw psql -h 127.0.0.1 -p ${server.port} -U boss -d ${database} -q -c 'DROP SCHEMA tenant_2 CASCADE' >/dev/null 2>&1`;
  const { set, proofs } = await staged(
    database,
    programsThat(`"$real" "$@"; code=$?; ${psql}; exit $code`),
    60_000,
  );
  expect(set.left).toEqual([]);
  expect(set.tenants.map(({ tenant, unproven }) => [tenant.id, unproven])).toEqual([
    ['1', null],
    ['2', expect.stringMatching(/could not be read/)],
    ['Mixed-Case', null],
  ]);
  const whole = proofs.get('tenant_1.dump');
  expect(whole?.tables.map(({ rows }) => rows)).toEqual([1, 200]);
  expect(whole?.counters).toHaveLength(1);
  expect(whole?.objects.length).toBeGreaterThan(10);
});

test('the rows of one come so slowly that its time is over → that one is left to be dumped by itself and named, the others are staged', async () => {
  const { database } = await createClinic(server);
  await server.sql(scansOf('tenant_2'), database);
  // In the middle of these eight megabytes; the next pass is as quick as ever.
  const once = join(temporaryFolder(), 'paused');
  const pause = `if [ ! -e ${once} ]; then touch ${once}; sleep 3; fi`;
  const slow = `{ "$real" "$@"; } | { head -c 4000000; ${pause}; cat; }`;
  const { set } = await staged(database, programsThat(slow), 2_000);
  expect(set.left).toEqual([{ id: '2', schema: 'tenant_2' }]);
  expect(set.failed).toEqual([]);
  expect(set.warnings).toEqual([
    'the pass over all tenants was begun again without tenant 2: its rows took longer than 2 s',
  ]);
  expect(set.tenants.map(({ tenant, unproven }) => [tenant.id, unproven])).toEqual([
    ['1', null],
    ['Mixed-Case', null],
  ]);
});

test('three of four come too slowly → behind the third no pass is begun again, which is said, and all are left to be dumped by themselves', async () => {
  const { database } = await createClinic(server);
  const ids = ['1', '2', 'Mixed-Case'];
  await server.sql(
    [
      'CREATE SCHEMA tenant_4; CREATE TABLE tenant_4.t (id int)',
      ...ids.map((id) => scansOf(`tenant_${id}`)),
    ].join(';'),
    database,
  );
  const slow = `{ "$real" "$@"; } | { head -c 4000000; sleep 2; cat; }`;
  const { set } = await staged(database, programsThat(slow), 1_500, [...ids, '4']);
  expect(set.left.map(({ id }) => id).toSorted()).toEqual([...ids, '4'].toSorted());
  const said = set.warnings.map((warning) => warning.replace(/tenant (?:1|2|Mixed-Case)\b/, 'tenant X'));
  expect(said).toEqual([
    'the pass over all tenants was begun again without tenant X: its rows took longer than 1.5 s',
    'the pass over all tenants was begun again without tenant X: its rows took longer than 1.5 s',
    'the pass over all tenants was ended at tenant X and not begun again: its rows took longer than 1.5 s; each tenant that was left was dumped by itself, which takes longer',
  ]);
});

/** Eight megabytes, which no other table has. */
function scansOf(schema: string): string {
  return `CREATE TABLE "${schema}".scans (page text); INSERT INTO "${schema}".scans SELECT repeat('x', 1000) FROM generate_series(1, 8000)`;
}
