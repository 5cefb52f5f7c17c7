import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { haltedRestic, testAgent, type TestAgent } from '../../helpers/agent.ts';
import { POSTGRES_ROOT, postgresMajors, startPostgres } from '../../helpers/postgres.ts';
import { createClinic, type Clinic } from '../../helpers/tenant-clinic.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

const run = promisify(execFile);
/** Nothing follows a backup. */
const QUICK = { BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' };
const FOLDER = { BACKUP_FORMAT: 'directory', BACKUP_JOBS: '2' };

interface Facts {
  addedBytes: number;
  dumpBytes: number;
}
const lastFacts = async (agent: TestAgent) =>
  (JSON.parse((await agent.run(['history', '--limit', '1', '--json'])).stdout) as { facts: Facts }[])[0]!
    .facts;

/** What lies staged. */
const staged = ({ environment }: TestAgent) => {
  const folder = join(environment['HOLDFAST_STATE_DIR']!, 'run');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe('a database that is dumped as a folder', () => {
  const [major] = postgresMajors();
  let server: TestServer;
  let clinic: Clinic;
  beforeAll(async () => {
    server = await startPostgres();
    clinic = await createClinic(server);
    await server.sql(
      `CREATE TABLE public.large (id int, text text);
       INSERT INTO public.large SELECT n, md5(n::text) || md5((-n)::text) FROM generate_series(1, 60000) n;
       SELECT lo_from_bytea(0, 'scan');`,
      clinic.database,
    );
  });
  afterAll(() => server.stop());

  const program = (name: string) => join(POSTGRES_ROOT, String(major), 'bin', name);
  const connection = (database: string) => [
    ...['-h', '127.0.0.1', '-p', String(server.port), '-U', 'boss'],
    ...['-d', database],
  ];
  const environment = { ...process.env, PGPASSWORD: 'bosspw' };
  const rowsOf = (table: string, database: string) =>
    server.sql(`SELECT count(*)::int AS rows, sum(hashtext(t::text)) AS sum FROM ${table} t`, database);

  test('backed up twice → what has not changed adds nothing; every way back gives what the proof says, and restic with pg_restore do without us', async () => {
    const agent = await testAgent({ ...clinic.environment, ...QUICK, ...FOLDER });
    const first = await agent.run(['backup']);
    expect(first.stderr).not.toMatch(/warning|error/);
    expect(first.code).toBe(0);
    await server.sql(`UPDATE tenant_2.patients SET age = 1 WHERE id = 7`, clinic.database);
    expect((await agent.run(['backup'])).code).toBe(0);
    const { addedBytes, dumpBytes } = await lastFacts(agent);
    expect(dumpBytes).toBeGreaterThan(4_000_000);
    expect(addedBytes).toBeLessThan(100_000);
    expect(staged(agent)).toEqual([]);

    const { stdout } = await agent.run(['snapshots', '--json']);
    expect((JSON.parse(stdout) as { path: string }[]).at(-1)?.path).toBe(`/postgres/${clinic.database}.dir`);
    const verify = await agent.run(['verify']);
    expect(verify.stderr).toMatch(/equal to the source; proved/);
    expect(verify.code).toBe(0);
    const was = await rowsOf('tenant_1.patients', clinic.database);
    await server.sql(
      `DELETE FROM tenant_1.patients; DELETE FROM tenant_2.patients WHERE id = 1; TRUNCATE public.large`,
      clinic.database,
    );
    const one = await agent.run(['restore', clinic.database, '--tenant', '1', '--yes']);
    expect(one.stderr).toMatch(/restored tenant 1 .*equal to the source/);
    expect(await rowsOf('tenant_1.patients', clinic.database)).toEqual(was);
    const tables = ['--tables', 'large', '--yes', '--no-restore-point'];
    expect((await agent.run(['restore', clinic.database, ...tables])).code).toBe(0);
    expect(await rowsOf('public.large', clinic.database)).toMatchObject([{ rows: 60_000 }]);
    expect(await rowsOf('tenant_2.patients', clinic.database)).toMatchObject([{ rows: 199 }]);
    // Over everything: loaded beside by several connections, compared, swapped in. The restore point is one stream.
    const all = await agent.run(['restore', clinic.database, '--yes']);
    expect(all.stderr).toMatch(/equal to the source; the old one is .* restore point/);
    expect(all.code).toBe(0);
    expect(await rowsOf('tenant_2.patients', clinic.database)).toMatchObject([{ rows: 200 }]);
    expect(staged(agent)).toEqual([]);
    await readWithoutUs(agent);
  });

  const readWithoutUs = async (agent: TestAgent) => {
    const folder = join(agent.folder, 'by hand');
    const restic = (args: string[]) => run('restic', args, { env: agent.environment });
    const inside = `/postgres/${clinic.database}.dir`;
    await restic(['restore', `latest:${inside}`, '--tag', 'kind=dump', '--target', folder]);
    await server.sql(`CREATE DATABASE by_hand`);
    await run(program('pg_restore'), ['--exit-on-error', ...connection('by_hand'), '--jobs=2', folder], {
      env: environment,
    });
    expect(await rowsOf('public.large', 'by_hand')).toEqual(await rowsOf('public.large', clinic.database));
    // One tenant: its files are those whose numbers stand before its name in the list.
    const { stdout } = await run(program('pg_restore'), ['--list', folder]);
    const numbers = [...stdout.matchAll(/^(\d+);.* TABLE DATA tenant_1 /gm)].map(([, number]) => number);
    const part = join(agent.folder, 'one tenant');
    const include = ['toc.dat', ...numbers.map((number) => `${number}.dat`)].flatMap((name) => [
      '--include',
      `/${name}`,
    ]);
    await restic(['restore', `latest:${inside}`, '--tag', 'kind=dump', '--target', part, ...include]);
    expect(readdirSync(part)).toHaveLength(3);
    await server.sql('DROP SCHEMA tenant_1 CASCADE; CREATE SCHEMA tenant_1', 'by_hand');
    const only = ['--exit-on-error', '--schema=tenant_1', ...connection('by_hand'), part];
    await run(program('pg_restore'), only, { env: environment });
    expect(await rowsOf('tenant_1.patients', 'by_hand')).toMatchObject([{ rows: 200 }]);

    const out = join(agent.folder, 'out');
    expect((await agent.run(['restore', clinic.database, '--output', out])).code).toBe(0);
    expect(readdirSync(join(out, `${clinic.database}.dir`))).toEqual(readdirSync(folder));
    const stream = await agent.run(['restore', clinic.database, '--output', '-']);
    expect(stream).toMatchObject({ code: 2, stdout: '' });
    expect(stream.stderr).toMatch(/folder of files[^]*--output DIR/);
  };

  test('the agent is killed with a folder staged → the next run removes it and what nobody confirmed, and is good', async () => {
    const agent = await testAgent({ ...clinic.environment, ...QUICK, ...FOLDER });
    const halted = haltedRestic(agent.folder);
    // The globals go through; restic halts at the folder, which has no `--stdin`.
    const backup = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
    await until('it is halted', async () => halted.reached());
    halted.letGo();
    await until('a folder is staged', async () => staged(agent).length > 0);
    backup.child.kill('SIGKILL');
    await backup.ended;
    const { code, stderr } = await agent.run(['backup']);
    expect(stderr).toMatch(/was interrupted: the agent died/);
    expect(code).toBe(0);
    expect(staged(agent)).toEqual([]);
    // Globals, dump and proof of this one alone.
    expect(agent.snapshots()).toHaveLength(3);
  });

  test('more is dumped than the database takes, and the disk is full → named with what to do; nothing is left, no snapshot', async () => {
    const agent = await testAgent({ ...QUICK, ...FOLDER });
    const state = join(agent.folder, 'small');
    mkdirSync(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', state]);
    onTestFinished(() => void execFileSync('umount', ['-l', state]));
    const small = { HOLDFAST_STATE_DIR: state };
    const database = 'packed';
    await server.sql(`CREATE DATABASE ${database}`);
    await server.sql(
      `CREATE TABLE t AS SELECT n, repeat('x', 1000000) AS text FROM generate_series(1, 180) n`,
      database,
    );
    const url = `postgresql://boss:bosspw@127.0.0.1:${server.port}/${database}`;
    const before = agent.snapshots();
    const { code, stderr } = await agent.run(['backup'], { ...small, DATABASE_URL: url });
    expect(stderr).toMatch(
      // Whichever comes first: the look at what is left, once a second, or the end of it.
      /dump of packed (failed .*No space left on device|was ended after .* stay free)[^]*HOLDFAST_STATE_DIR[^]*BACKUP_FORMAT=custom/,
    );
    expect(code).toBe(1);
    expect(readdirSync(join(state, 'run'))).toEqual([]);
    expect(agent.snapshots()).toEqual(before);
    // What takes more than there is refuses before the first byte.
    execFileSync('mount', ['-o', 'remount,size=66m', state]);
    const refused = await agent.run(['backup'], { ...small, DATABASE_URL: url });
    expect(refused.stderr).toMatch(
      /dump of packed takes up to [\d.]+ MB .* has room for [\d.]+ .?B[^]*HOLDFAST_STATE_DIR/,
    );
    expect(readdirSync(join(state, 'run'))).toEqual([]);
  });
});

test('more locks or connections than the server has → refused before the first byte, with both numbers; one stream passes', async () => {
  const server = await startPostgres([
    'max_locks_per_transaction=10',
    'max_connections=12',
    'max_worker_processes=2',
  ]);
  onTestFinished(() => server.stop());
  await server.sql('CREATE DATABASE many');
  const tables = Array.from({ length: 70 }, (_, i) => `CREATE TABLE t${i} (id int);`);
  await server.sql(tables.join(''), 'many');
  const agent = await testAgent({
    DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/many`,
    ...QUICK,
    ...FOLDER,
  });
  const locks = await agent.run(['backup']);
  expect(locks.code).toBe(1);
  expect(locks.stderr).toMatch(
    /holds 140 locks at once \(70 tables\), and the server has room for 120[^]*max_locks_per_transaction = 64/,
  );
  const more = Array.from({ length: 40 }, (_, i) => `t${i + 30}`);
  await server.sql(`DROP TABLE ${more.join(', ')}`, 'many');
  const connections = await agent.run(['backup'], { BACKUP_JOBS: '12' });
  expect(connections.stderr).toMatch(/takes 14 of them, and the server has \d+ left[^]*BACKUP_JOBS/);
  expect(agent.snapshots()).toEqual([]);
  expect((await agent.run(['backup'])).code).toBe(0);
});
