import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import type { TestServer } from '../../helpers/server.ts';
import { until } from '../../helpers/until.ts';

/** Oldest first. */
async function snapshotsOf(agent: TestAgent) {
  const { stdout } = await agent.run(['snapshots', '--json']);
  return JSON.parse(stdout) as { id: string; tags: { kind: string } | null }[];
}

describe('tenants at the command line', () => {
  let server: TestServer;
  let number = 0;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql(CLINIC_ROLES);
  });
  afterAll(() => server.stop());

  async function clinicWithBackup() {
    number += 1;
    const database = `clinic${number}`;
    await server.sql(`CREATE DATABASE ${database}`);
    await server.sql(clinicDatabase(), database);
    const agent = await testAgent({
      DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/${database}`,
      TENANT_SCHEMAS: 'tenant_*',
    });
    const { code, stderr } = await agent.run(['backup']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('stored')]);
    return {
      agent,
      database,
      sql: (text: string) => server.sql(text, database),
      checksums: () => checksumsOf(server, database),
      restore: (...args: string[]) => agent.run(['restore', database, ...args]),
    };
  }

  test('listed → with what backup and which verification hold each; none at all is a finding and exit 3', async () => {
    const { agent, database, sql } = await clinicWithBackup();
    expect((await agent.run(['verify'])).code).toBe(0);
    await sql(
      'CREATE SCHEMA tenant_late; CREATE SCHEMA tenant_42_old_20261101_000000; DROP SCHEMA tenant_43 CASCADE',
    );
    const { code, stdout } = await agent.run(['tenants', database, '--json']);
    expect(code).toBe(0);
    const [listed] = (JSON.parse(stdout) as { sources: { tenants: Record<string, unknown>[] }[] }).sources;
    const time = expect.stringMatching(/^\d{4}-/) as unknown;
    expect(listed?.tenants.map(({ tenant }) => tenant)).toEqual(['42', '100', 'late', 'new', 'North-East']);
    expect(listed?.tenants[0]).toEqual({
      tenant: '42',
      schema: 'tenant_42',
      active: true,
      group: null,
      bytes: expect.any(Number) as unknown,
      lastBackup: time,
      lastProved: time,
      provedAgeSeconds: expect.any(Number) as unknown,
      proofOverdue: false,
      verdict: 'proved',
      why: null,
      next: time,
    });
    expect(listed?.tenants[2]).toMatchObject({ tenant: 'late', lastBackup: null, lastProved: null });

    const none = await agent.run(['tenants'], { TENANT_SCHEMAS: 'client_?' });
    expect([none.code, none.stderr]).toEqual([
      3,
      expect.stringMatching(/no schema of clinic\d+ is like client_\?/),
    ]);
  });

  test('restored over itself → the others as they were, and the old one kept until it is dropped', async () => {
    const { sql, checksums, restore } = await clinicWithBackup();
    const good = await checksums();
    await sql('DELETE FROM tenant_42.notes; DELETE FROM tenant_43.notes');
    const { tenant_42: before, ...others } = await checksums();
    const dry = await restore('--tenant', '42', '--dry-run');
    expect(dry.stderr).toMatch(
      /nothing was changed; would restore tenant 42 of \w{8} .* kept as tenant_42_old_/,
    );
    const asked = await restore('--tenant', '42');
    expect(asked).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/overwrite the schema tenant_42/) as unknown,
    });
    const tried = await restore('--tenant', '42', '--validate-only');
    expect(tried.stderr).toMatch(
      /nothing was changed; was able to restore tenant 42 .*90 rows.* equal to the source/,
    );
    expect(await checksums()).toEqual({ ...others, tenant_42: before });

    const { code, stderr } = await restore('--tenant', '42', '--yes');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /restored tenant 42 of \w{8} of \S+ into tenant_42 of clinic\d+: 3 tables, 90 rows; 3 tables, 90 rows and \d+ objects equal to the source; the old one is tenant_42_old_\d{8}_\d{6} until \d{4}-\d\d-\d\d; what was there is restore point \w{8} for a week/,
      ),
    ]);
    const kept = /tenant_42_old_\d{8}_\d{6}/.exec(stderr)?.[0] ?? '';
    expect(await checksums()).toEqual({ ...others, tenant_42: good['tenant_42'], [kept]: before });
    expect((await restore('--drop-old')).stdout).toBe(`dropped ${kept}\n`);
    expect(Object.keys(await checksums())).not.toContain(kept);
  });

  test('something builds on one of the replaced schemas → that one is named and stays, the other is dropped', async () => {
    const { sql, checksums, restore } = await clinicWithBackup();
    for (const id of ['42', '43'])
      expect(await restore('--tenant', id, '--yes', '--no-restore-point')).toMatchObject({ code: 0 });
    const kept = Object.keys(await checksums()).filter((name) => name.includes('_old_'));
    const [first = '', second = ''] = kept.sort();
    await sql(`CREATE VIEW still AS SELECT * FROM ${first}.notes`);
    const dropped = await restore('--drop-old');
    expect(dropped.code).toBe(1);
    expect(dropped.stdout).toBe(`dropped ${second}\n`);
    expect(dropped.stderr).toContain(`"${first}" is not dropped: view public.still depends on it`);
    await sql('DROP VIEW still');
    expect(await restore('--drop-old')).toMatchObject({ code: 0, stdout: `dropped ${first}\n` });
  });

  test('restored into another database → it is there, as itself or as another tenant; one that is there already is refused, and the source is as it was', async () => {
    const { database, checksums, restore } = await clinicWithBackup();
    const other = `${database}_other`;
    await server.sql(`CREATE DATABASE ${other}`);
    await server.sql(clinicDatabase([]), other);
    const before = await checksums();
    const dry = await restore('--tenant', '42', '--to', other, '--dry-run');
    expect(dry.stderr).toMatch(
      new RegExp(`would restore tenant 42 .* into tenant_42 of ${other}; tenant_42 is not there`),
    );
    const itself = await restore('--tenant', '42', '--to', other);
    expect(itself.stderr).toMatch(
      new RegExp(`restored tenant 42 .* into tenant_42 of ${other}: .* equal to the source`),
    );
    expect(itself.code).toBe(0);
    expect((await restore('--tenant', '42', '--to', other, '--to-tenant', '77')).code).toBe(0);
    const sums = await checksumsOf(server, other);
    expect([sums['tenant_42'], sums['tenant_77']]).toEqual([before['tenant_42'], before['tenant_42']]);
    const again = await restore('--tenant', '42', '--to', other);
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/there is a schema "tenant_42" in \w+_other already; nothing was changed/),
    ]);
    const own = await restore('--tenant', '42', '--to', database);
    expect([own.code, own.stderr]).toEqual([
      2,
      expect.stringMatching(/the database that the tenant is from/),
    ]);
    const nowhere = await restore('--tenant', '42', '--to', 'nowhere');
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/nowhere/)]);
    expect(await checksumsOf(server, other)).toEqual(sums);
    expect(await checksums()).toEqual(before);
  });

  test('its restore point → brings that tenant back, and is never taken for the database; single tables come back too', async () => {
    const { agent, database, sql, checksums, restore } = await clinicWithBackup();
    const good = await checksums();
    await sql('DELETE FROM tenant_42.notes; DELETE FROM tenant_43.notes');
    const { tenant_42: before } = await checksums();
    expect((await restore('--tenant', '42', '--yes')).code).toBe(0);
    const snapshots = JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as {
      id: string;
      path: string;
      tags: { kind: string };
    }[];
    const point = snapshots.find(({ tags }) => tags.kind === 'restore-point');
    expect(point?.path).toMatch(/^\/restore-points\/\w+\/postgres\/clinic\d+\/tenant_42\.dump\.gz$/);
    const whole = await restore('--snapshot', point?.id ?? '', '--yes');
    expect(whole).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/holds one tenant alone/) as unknown,
    });
    const back = await restore(
      '--tenant',
      '42',
      '--snapshot',
      point?.id ?? '',
      '--yes',
      '--no-restore-point',
    );
    expect([back.code, back.stderr]).toEqual([
      0,
      expect.stringMatching(/not compared: this backup has no proof/),
    ]);
    expect((await checksums())['tenant_42']).toBe(before);
    expect((await restore('--tenant', '43', '--tables', 'notes', '--yes')).stderr).toMatch(
      new RegExp(`restored tenant_43\\.notes of .* into ${database}`),
    );
    expect((await checksums())['tenant_43']).toBe(good['tenant_43']);
  });

  test('a tenant is dropped, and backups are made since → it is put back from the newest that holds it, and told why it is no newer one', async () => {
    const { agent, database, sql, checksums, restore } = await clinicWithBackup();
    const { tenant_42: good, ...others } = await checksums();
    // A whole tenant less is suspect, until somebody says that it is right.
    const unguarded = { BACKUP_GUARD: 'off' };
    await sql('DROP SCHEMA tenant_42 CASCADE');
    expect((await agent.run(['backup'], unguarded)).code).toBe(0);
    const dumps = (await snapshotsOf(agent)).filter(({ tags }) => tags?.kind === 'dump');
    const [older, newest] = dumps.map(({ id }) => id.slice(0, 8));
    const why = new RegExp(
      `warning: .*${older} of \\S+ is not the newest, but the newest that holds tenant 42: it is not in ${newest} of `,
    );
    for (const option of ['--dry-run', '--validate-only', '--yes']) {
      const { code, stderr } = await restore('--tenant', '42', option);
      expect([option, code, stderr]).toEqual([option, 3, expect.stringMatching(why)]);
      expect(stderr).toMatch(new RegExp(`tenant 42 of ${older} of `));
      expect(await checksums()).toEqual(option === '--yes' ? { ...others, tenant_42: good } : others);
    }
    const named = await restore('--tenant', '42', '--snapshot', newest ?? '', '--yes');
    expect([named.code, named.stderr]).toEqual([
      2,
      expect.stringMatching(new RegExp(`${newest} holds no schema "tenant_42"`)),
    ]);
    const nobody = await restore('--tenant', 'nobody', '--yes');
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`no snapshot of ${database} with tenant nobody \\(2 backups of everything looked into\\)`),
      ),
    ]);

    // A set that is older than backups without it, and newer than the last one with it.
    expect((await agent.run(['backup', '--tenants'])).code).toBe(0);
    const set = (await snapshotsOf(agent)).find(({ tags }) => tags?.kind === 'tenant-set')?.id.slice(0, 8);
    await sql('DROP SCHEMA tenant_42 CASCADE');
    for (let nights = 0; nights < 2; nights += 1)
      expect((await agent.run(['backup'], unguarded)).code).toBe(0);
    const back = await restore('--tenant', '42', '--yes');
    expect([back.code, back.stderr]).toEqual([
      3,
      expect.stringMatching(new RegExp(`tenant 42 of ${set} .* equal to the source`)),
    ]);
    expect((await checksums())['tenant_42']).toBe(good);

    // What lives is not replaced by what is older than backups without it, unless that one is named.
    await sql('DELETE FROM tenant_42.notes');
    const living = await checksums();
    const stored = agent.snapshots();
    const refused = await restore('--tenant', '42', '--yes');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(
        new RegExp(
          `nothing was changed[^]*\\x60holdfast restore ${database} --tenant 42 --snapshot ${set}\\x60`,
        ),
      ),
    ]);
    expect([await checksums(), agent.snapshots()]).toEqual([living, stored]);
    for (const options of [['--dry-run'], ['--validate-only'], ['--to-tenant', '77']]) {
      const { code, stderr } = await restore('--tenant', '42', ...options);
      expect([options, code, stderr]).toEqual([options, 3, expect.stringMatching(/is not the newest/)]);
    }
    const taken = await restore('--tenant', '42', '--yes', '--snapshot', set ?? '');
    expect([taken.code, taken.stderr]).toEqual([0, expect.stringMatching(`tenant 42 of ${set} `)]);
    expect((await checksums())['tenant_42']).toBe(good);
  });

  test('the newest backup is suspect → every restore of a tenant out of it says so; an older one does not', async () => {
    const { agent, sql, checksums, restore } = await clinicWithBackup();
    for (let nights = 0; nights < 3; nights += 1) expect((await agent.run(['backup'])).code).toBe(0);
    const { tenant_42: good } = await checksums();
    await sql('DROP VIEW tenant_42.planned; DROP MATERIALIZED VIEW tenant_42.totals');
    const tables = await sql(
      "SELECT schemaname || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'tenant_100'",
    );
    await sql(`DROP TABLE ${tables.map(({ name }) => String(name)).join(', ')} CASCADE`);
    expect((await agent.run(['backup'])).code).toBe(3);
    const suspect = (await snapshotsOf(agent)).findLast(({ tags }) => tags?.kind === 'dump')?.id ?? '';
    const says = new RegExp(
      `warning: .*${suspect.slice(0, 8)} is suspect, and nobody has accepted it: .*fewer than the last`,
    );
    for (const options of [['--dry-run'], ['--validate-only'], ['--tables', 'notes', '--yes'], ['--yes']]) {
      const { code, stderr } = await restore('--tenant', '42', ...options);
      expect([options, code, stderr]).toEqual([options, 3, expect.stringMatching(says)]);
    }
    const first = (await snapshotsOf(agent)).find(({ tags }) => tags?.kind === 'dump')?.id ?? '';
    const back = await restore('--tenant', '42', '--snapshot', first, '--yes');
    expect([back.code, back.stderr]).toEqual([0, expect.not.stringMatching(/suspect/)]);
    expect((await checksums())['tenant_42']).toBe(good);
  });

  test('single tables of a tenant, and a newer dump of it alone → out of the backup of everything, the newer one told; that one by its id is refused', async () => {
    const { agent, database, sql, checksums, restore } = await clinicWithBackup();
    const { tenant_42: good } = await checksums();
    await sql('DELETE FROM tenant_42.notes');
    expect((await agent.run(['backup', '--tenants'])).code).toBe(0);
    const set = (await snapshotsOf(agent)).find(({ tags }) => tags?.kind === 'tenant-set')?.id ?? '';
    const told = await restore('--tenant', '42', '--tables', 'notes', '--yes');
    expect([told.code, told.stderr]).toEqual([
      3,
      expect.stringMatching(
        new RegExp(`warning: .*the newer dump ${set.slice(0, 8)} of \\S+, of tenants alone, is passed over`),
      ),
    ]);
    expect((await checksums())['tenant_42']).toBe(good);
    const named = await restore('--tenant', '42', '--tables', 'notes', '--snapshot', set, '--yes');
    expect([named.code, named.stderr]).toEqual([
      2,
      expect.stringMatching(
        new RegExp(
          `${set.slice(0, 8)} is a dump of tenants alone[^]*holdfast restore ${database} --tenant 42 --snapshot`,
        ),
      ),
    ]);
  });

  test('killed at the swap, its session ended or the agent → nothing has happened; then it is done, the hook with it', async () => {
    const { agent, database, sql, checksums } = await clinicWithBackup();
    const file = join(agent.folder, 'holdfast.yml');
    const configure = (after: string) =>
      writeFileSync(
        file,
        `sources:\n  - url: ${agent.environment['DATABASE_URL'] ?? ''}\n    tenants: {schemas: 'tenant_*', after_restore: ${JSON.stringify(after)}}\n`,
      );
    const environment = { HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' };
    const command = ['restore', database, '--tenant', '42', '--yes', '--no-restore-point'];
    await sql("DELETE FROM tenant_42.notes; UPDATE tenants SET status = 'BROKEN' WHERE id = '42'");
    const before = await checksums();
    configure('select pg_advisory_xact_lock(4711)');
    const letGo = await holdLock(database);
    for (const killed of ['agent', 'session'] as const) {
      const { child, ended } = agent.start(command, environment);
      const pid = await until('the hook waits', async () => {
        const [row] = await sql(
          "SELECT pid FROM pg_stat_activity WHERE application_name = 'holdfast' AND wait_event = 'advisory' AND datname = current_database()",
        );
        return row?.['pid'] as number | undefined;
      });
      if (killed === 'agent') child.kill('SIGKILL');
      else await sql(`SELECT pg_terminate_backend(${pid})`);
      expect((await ended).code).toBe(killed === 'agent' ? null : 1);
      await until('its session is gone', async () => {
        const [row] = await sql(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid = ${pid}`);
        return row?.['n'] === 0;
      });
      expect(await checksums()).toEqual(before);
    }
    await letGo();

    configure("update tenants set status = 'ACTIVE' where id = $1");
    const done = await agent.run(command, environment);
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('restored tenant 42')]);
    expect(await sql("SELECT status FROM tenants WHERE id = '42'")).toEqual([{ status: 'ACTIVE' }]);
    expect(await sql('SELECT count(*)::int AS n FROM tenant_42.notes')).toEqual([{ n: 30 }]);
  });

  test('killed while the server commits, and right after → the old one whole or the new one, the others as they were, and the next command works', async () => {
    const { agent, database, sql, checksums } = await clinicWithBackup();
    const good = await checksums();
    const file = join(agent.folder, 'holdfast.yml');
    const hook = "update tenants set status = 'BACK' where id = $1";
    writeFileSync(
      file,
      `sources:\n  - url: ${agent.environment['DATABASE_URL'] ?? ''}\n    tenants: {schemas: 'tenant_*', after_restore: ${JSON.stringify(hook)}}\n`,
    );
    const environment = { HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' };
    const command = ['restore', database, '--tenant', '42', '--yes', '--no-restore-point'];
    // What the hook changes makes the commit itself wait.
    await sql(`CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON public.tenants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold();
      DELETE FROM tenant_42.notes`);
    // What the hook changes is in public.
    const { tenant_42: broken, ...beside } = await checksums();
    const others = Object.fromEntries(Object.entries(beside).filter(([name]) => name !== 'public'));
    const session = () =>
      sql(`SELECT pid FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'holdfast'`);
    for (const moment of ['while it waits', 'as it goes on', 'after it'] as const) {
      const letGo = await holdLock(database);
      const { child, ended } = agent.start(command, environment);
      await until('the commit waits', async () => {
        const [row] = await sql(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'holdfast' AND wait_event = 'advisory' AND query = 'COMMIT'",
        );
        return row?.['n'] === 1;
      });
      if (moment === 'while it waits') {
        child.kill('SIGKILL');
        await until('its session is gone', async () => (await session()).length === 0);
        await letGo();
      } else {
        if (moment === 'as it goes on') child.kill('SIGKILL');
        await letGo();
        if (moment === 'after it')
          await until('it is there', async () => (await sql('SELECT FROM tenant_42.notes')).length > 0);
        child.kill('SIGKILL');
      }
      await ended;
      await until('its session is gone', async () => (await session()).length === 0);
      const { tenant_42: now, ...rest } = await checksums();
      const kept = Object.keys(rest).filter((name) => name.startsWith('tenant_42_old_'));
      const isNew = now === good['tenant_42'];
      expect([moment, isNew ? kept.length : now]).toEqual([moment, isNew ? 1 : broken]);
      if (moment === 'while it waits') expect(isNew).toBe(false);
      if (moment === 'after it') expect(isNew).toBe(true);
      expect(rest).toMatchObject(others);
      expect(Object.keys(rest)).toHaveLength(Object.keys(beside).length + kept.length);
      // What it had noted is enough to drop what it replaced.
      const dropped = await agent.run(['restore', database, '--drop-old'], environment);
      expect([dropped.code, Object.keys(await checksums()).length]).toEqual([0, Object.keys(good).length]);
      await sql('DELETE FROM tenant_42.notes');
    }
    await sql('DROP TRIGGER hold ON public.tenants');
    expect((await agent.run(command, environment)).code).toBe(0);
    expect((await checksums())['tenant_42']).toBe(good['tenant_42']);
  });

  test('a role that is limited → sees its tenants alone, and everything else is refused and untouched', async () => {
    const { agent, database, checksums } = await clinicWithBackup();
    const file = join(agent.folder, 'holdfast.yml');
    const url = agent.environment['DATABASE_URL'] ?? '';
    writeFileSync(
      file,
      `sources:\n  - url: ${url}\n    tenants: {schemas: 'tenant_*'}\naccess: [{role: support, tenants: ['tenant_4*']}]\n`,
    );
    const environment = { HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' };
    const before = await checksums();
    const limited = (...args: string[]) => agent.run(args, { ...environment, HOLDFAST_ROLE: 'support' });
    const listed = await limited('tenants', '--json');
    const [seen] = (JSON.parse(listed.stdout) as { sources: { tenants: { tenant: string }[] }[] }).sources;
    expect([listed.code, seen?.tenants.map(({ tenant }) => tenant)]).toEqual([0, ['42', '43']]);
    const snapshots = agent.snapshots();
    const refusals: [args: string[], says: RegExp][] = [
      [['restore', database, '--yes'], /the role support may not restore more than a tenant/],
      [['restore', database, '--tables', 'tenant_100.notes', '--yes'], /may not restore more than a tenant/],
      [['restore', database, '--to', 'mine'], /may not restore more than a tenant/],
      [['restore', database, '--output', '-'], /may not read a whole dump/],
      [['restore', database, '--drop-old'], /may not drop/],
      [['restore', database, '--tenant', '100', '--yes'], /support may touch no tenant "100" of clinic/],
      [['restore', database, '--tenant', '42', '--to-tenant', '77', '--yes'], /may touch no tenant "77"/],
      [
        ['restore', database, '--tenant', '42', '--tables', 'com.notes', '--yes'],
        /takes no names with a point, such as com\.notes/,
      ],
      [
        ['restore', database, '--tenant', '42', '--tables', 'ntes', '--dry-run'],
        /no table tenant_42\.ntes[^]*The nearest of its \d+ tables: tenant_42\./,
      ],
      [['backup'], /may not back up what is not its tenants/],
      [['backup', '--global'], /may not back up what is not its tenants/],
      [['backup', '--tenant', '42,100'], /support may touch no tenant "100"/],
      [['verify'], /may not verify the whole database/],
      [['verify', '--tenant', 'nobody'], /support may touch no tenant "nobody"/],
      [['snapshots'], /the role support may not do this/],
      [['restic', '--', 'snapshots'], /the role support may not do this/],
      [['run'], /the role support may not do this/],
      [['tenants', '--as', 'root'], /you are support, and cannot act as root/],
    ];
    for (const [args, says] of refusals) {
      const { code, stderr, stdout } = await limited(...args);
      expect.soft([args, code, stdout], args.join(' ')).toEqual([args, 2, '']);
      expect.soft(stderr, args.join(' ')).toMatch(says);
      expect.soft(stderr, args.join(' ')).not.toMatch(/North-East|\bnew\b|tenant_(?!42\b)\S*\./);
    }
    expect(await agent.run(['tenants', '--as', 'suport'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no role "suport"[^]*support/) as unknown,
    });
    expect([agent.snapshots(), await checksums()]).toEqual([snapshots, before]);

    expect((await limited('backup', '--tenants')).stderr).toMatch(/stored 2 tenants/);
    // Not as a set of all, which would push the whole ones out.
    const kinds = JSON.parse((await agent.run(['snapshots', '--json'], environment)).stdout) as {
      tags: { kind: string; tenant?: string } | null;
    }[];
    expect(kinds.flatMap(({ tags }) => (tags?.kind === 'on-demand' ? (tags.tenant ?? []) : []))).toEqual(
      expect.arrayContaining(['42', '43']),
    );
    expect(kinds.some(({ tags }) => tags?.kind === 'tenant-set')).toBe(false);
    const restored = await agent.run(
      ['restore', database, '--tenant', '42', '--yes', '--no-restore-point', '--as', 'support'],
      environment,
    );
    expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining('restored tenant 42')]);
  });

  test('a role of one source of several → its backup of tenants is of that one, and the others have no run; a role that sees no tenant fails nobody', async () => {
    const { agent, database } = await clinicWithBackup();
    const file = join(agent.folder, 'holdfast.yml');
    const url = agent.environment['DATABASE_URL'] ?? '';
    const source = (name: string) => `  - {name: ${name}, url: '${url}', tenants: {schemas: 'tenant_*'}}\n`;
    writeFileSync(
      file,
      `sources:\n${source(database)}${source('south')}access:\n` +
        `  - {role: support, tenants: ['tenant_4*'], sources: ['${database}']}\n  - {role: blind, tenants: ['none_*'], sources: ['south']}\n`,
    );
    const environment = { HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' };
    const runs = async () => {
      const { stdout } = await agent.run(['history', '--json'], environment);
      const all = JSON.parse(stdout) as { job: string; source: string; result: string }[];
      return all.filter(({ job }) => job === 'tenant-backup').map(({ source: of, result }) => [of, result]);
    };
    const done = await agent.run(['backup', '--tenants', '--as', 'support'], environment);
    expect([done.code, done.stderr]).toEqual([0, expect.stringMatching(/stored 2 tenants/)]);
    expect(await runs()).toEqual([[database, 'succeeded']]);
    for (const names of [['south'], [database, 'south']]) {
      const { code, stderr } = await agent.run(
        ['backup', ...names, '--tenants', '--as', 'support'],
        environment,
      );
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/support may touch no tenant of that source/),
      ]);
    }
    expect(await runs()).toHaveLength(1);
    const blind = await agent.run(['backup', '--tenants', '--as', 'blind'], environment);
    expect([blind.code, blind.stderr]).toEqual([
      1,
      expect.stringMatching(/blind may touch no tenant of south/),
    ]);
    // Skipped: it says nothing of those that there are, and their retention goes on.
    expect(await runs()).toEqual(expect.arrayContaining([['south', 'skipped']]));
  });

  /** Holds what the hook waits for. */
  async function holdLock(database: string) {
    const { host, port, admin } = server;
    const holder = new pg.Client({ host, port, ...admin, database, application_name: 'the tests' });
    await holder.connect();
    let held = true;
    const letGo = async () => {
      if (held) await holder.end();
      held = false;
    };
    onTestFinished(letGo);
    await holder.query('SELECT pg_advisory_lock(4711)');
    return letGo;
  }
});
