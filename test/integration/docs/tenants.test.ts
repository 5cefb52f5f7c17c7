import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { marked, stepsOf } from '../../helpers/documented.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { follow } from '../../helpers/printed-commands.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql(CLINIC_ROLES);
  await server.sql('CREATE DATABASE clinic');
  await server.sql(clinicDatabase(), 'clinic');
});
afterAll(() => server.stop());

const LOOK = 'tenant_42_look';
const made = async (pattern: string) =>
  (await server.sql(`SELECT datname FROM pg_database WHERE datname ~ '${pattern}' ORDER BY 1`)).map(
    ({ datname }) => String(datname),
  );

test(
  'docs/tenants.md, from top to bottom, as printed → each command does what it says',
  { timeout: 300_000 },
  async () => {
    const address = `postgresql://boss:bosspw@127.0.0.1:${server.port}/clinic`;
    const agent = await testAgent({
      DATABASE_URL: address,
      TENANT_SCHEMAS: 'tenant_*',
    });
    expect((await agent.run(['backup'])).code).toBe(0);
    const [tenant, noon] = [(await checksumsOf(server, 'clinic'))['tenant_42'], new Date(Date.now() + 1000)];
    const schema = async (name = 'tenant_42') => (await checksumsOf(server, 'clinic'))[name];
    const damage = () =>
      server.sql('DELETE FROM tenant_42.appointments; DELETE FROM tenant_42.patients', 'clinic');
    const isBack = async () => expect(await schema()).toBe(tenant);
    const written = (pattern: RegExp) =>
      readdirSync(join(agent.folder, 'backups')).find((name) => pattern.test(name))!;
    const client = {
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: 'boss',
      PGPASSWORD: 'bosspw',
    };
    /** The roles as the document prints them. */
    const limited = () => {
      const printed = marked('config', 'yaml').find(({ text }) => text.includes('role: support'))?.text ?? '';
      const [file, url] = [join(agent.folder, 'roles.yml'), join(agent.folder, 'clinic_url')];
      writeFileSync(file, printed.replace('/etc/holdfast/clinic-url', url));
      writeFileSync(url, address);
      return { HOLDFAST_CONFIG: file, DATABASE_URL: '', TENANT_SCHEMAS: '' };
    };
    let whole: Awaited<ReturnType<typeof checksumsOf>> = {};
    const byHand = { environment: client, check: () => undefined };

    await follow(agent, 'tenants', {
      'holdfast tenants': { check: ({ stdout }) => expect(stdout).toMatch(/LAST BACKUP[\s\S]*North-East/) },
      'holdfast tenants clinic --json': {
        check: ({ stdout }) =>
          expect(JSON.parse(stdout)).toMatchObject({ sources: [{ tenants: { length: 5 } }] }),
      },
      'holdfast restore clinic --tenant 42 --dry-run': {
        before: damage,
        check: async () => expect(await schema()).not.toBe(tenant),
      },
      'holdfast restore clinic --tenant 42 --validate-only': {
        check: async () => expect(await schema()).not.toBe(tenant),
      },
      'holdfast restore clinic --tenant 42': { typed: 'tenant_42', check: isBack },
      'holdfast restore clinic --tenant 42 --at "2026-11-01 15:00" --yes': {
        before: damage,
        own: () => ({ '2026-11-01 15:00': `${noon.toISOString().slice(0, 19)}Z` }),
        check: isBack,
      },
      'holdfast restore clinic --tenant 42 --tables patients,appointments --yes': {
        // What builds on a table keeps it from being replaced, as the page says.
        before: async () => {
          await damage();
          await server.sql('DROP VIEW tenant_42.planned; DROP MATERIALIZED VIEW tenant_42.totals', 'clinic');
        },
        check: isBack,
      },
      'holdfast restore clinic --tenant 42 --to-tenant 77': {
        check: async () => expect(await schema('tenant_77')).toBe(tenant),
      },
      'holdfast restore clinic --to clinic_new --by-tenant': {
        check: async () => expect((await checksumsOf(server, 'clinic_new'))['tenant_42']).toBe(tenant),
      },
      'holdfast restore clinic --to clinic_new --by-tenant --json': {
        before: () => server.sql('DROP DATABASE clinic_new'),
        check: ({ stdout }) => expect(JSON.parse(stdout)).toMatchObject({ result: 'succeeded' }),
      },
      'holdfast verify clinic --tenants': {
        check: ({ stderr }) => expect(stderr).toMatch(/proved 5 tenants out of/),
      },
      'holdfast verify clinic --tenant 42,43': {
        check: ({ stderr }) => expect(stderr).toMatch(/proved 2 tenants out of/),
      },
      'holdfast tenants --as support': {
        environment: limited(),
        check: ({ stdout }) => expect(stdout.match(/tenant_\w+/g)).toEqual(['tenant_42', 'tenant_43']),
      },
      'HOLDFAST_ROLE=support holdfast restore clinic --tenant 42': {
        before: damage,
        environment: limited(),
        typed: 'tenant_42',
        check: isBack,
      },
      'holdfast backup clinic': { check: ({ stderr }) => expect(stderr).toMatch(/stored/) },
      'holdfast backup clinic --global': { check: ({ stderr }) => expect(stderr).toMatch(/stored/) },
      'holdfast backup clinic --tenants': { check: ({ stderr }) => expect(stderr).toMatch(/6 tenants/) },
      'holdfast backup clinic --tenant 42,43': { check: ({ stderr }) => expect(stderr).toMatch(/2 tenants/) },
      "restic restore latest --tag kind=tenant-set --target out --include '/postgres/clinic/tenant_42.*' --include /postgres/clinic/shared":
        byHand,
      'createdb tenant_42_look': byHand,
      'psql -X -v ON_ERROR_STOP=1 -d tenant_42_look -f out/postgres/clinic/tenant_42.prelude.sql': byHand,
      'pg_restore --exit-on-error -d tenant_42_look out/postgres/clinic/tenant_42.dump': {
        ...byHand,
        check: async () => expect((await checksumsOf(server, LOOK))['tenant_42']).toBe(tenant),
      },
      'restic dump --tag kind=on-demand-prelude,tenant=42 latest /postgres/clinic/tenant_42.prelude.sql.gz | gunzip > tenant_42.prelude.sql':
        byHand,
      'restic dump --tag kind=on-demand,tenant=42 latest /postgres/clinic/tenant_42.dump.gz | gunzip > tenant_42.dump':
        byHand,
      'restic dump --tag kind=global-roles latest /postgres/clinic.global.roles.sql.gz | gunzip > clinic.global.roles.sql':
        byHand,
      'restic dump --tag kind=global latest /postgres/clinic.global.dump.gz | gunzip > clinic.global.dump':
        byHand,
      'psql -X -d postgres -f clinic.global.roles.sql': {
        environment: client,
        before: async () => {
          whole = await checksumsOf(server, 'clinic');
          await server.sql('ALTER DATABASE clinic RENAME TO clinic_lost');
        },
        check: ({ stdout, stderr }) => expect(stdout + stderr).toMatch(/role "clinic_owner" already exists/),
      },
      'holdfast load clinic.global.dump --to clinic': {
        check: async () => {
          const { public: shared } = whole;
          expect(await checksumsOf(server, 'clinic')).toEqual({ public: shared });
        },
      },
      "restic ls latest --tag kind=tenant-set | sed -n 's|^/postgres/clinic/tenant_\\(.*\\)\\.dump$|\\1|p' > ids":
        {
          check: () =>
            expect(readFileSync(join(agent.folder, 'ids'), 'utf8').trim().split('\n').sort()).toEqual([
              '100',
              '42',
              '43',
              '77',
              'North-East',
              'new',
            ]),
        },
      'for id in $(cat ids); do holdfast restore clinic --tenant "$id" --yes || break; done': {
        check: async ({ stderr }) => {
          expect(stderr.match(/equal to the source/g)).toHaveLength(6);
          const kept = Object.entries(whole).filter(([name]) => !name.includes('_old_'));
          expect(await checksumsOf(server, 'clinic')).toEqual(Object.fromEntries(kept));
        },
      },
      'scripts/backup.sh tenants-schemas clinic --output ./backups --keep 7': {
        check: () => expect(written(/tenant_43_/)).toMatch(/\.gz$/),
      },
      'scripts/restore.sh tenant 42 ./backups/clinic.tenant_42_20261121T150000Z.dump.gz --to tenant_42_look':
        {
          before: () => server.sql(`DROP DATABASE ${LOOK}`),
          own: () => ({ 'clinic.tenant_42_20261121T150000Z.dump.gz': written(/tenant_42_.*\.dump\.gz$/) }),
          check: async () => expect((await checksumsOf(server, LOOK))['tenant_42']).toBe(tenant),
        },
      'scripts/restore.sh full ./backups/clinic_20261121T150000Z.dump.gz': {
        before: async () => {
          const { code, stderr } = await agent.run(['backup', '--output', join(agent.folder, 'backups')]);
          expect(code, stderr).toBe(0);
        },
        own: () => ({ 'clinic_20261121T150000Z.dump.gz': written(/^clinic_\d.*\.dump\.gz$/) }),
        check: async () => {
          const [restored = ''] = await made('^clinic_restored_');
          expect((await checksumsOf(server, restored))['tenant_42']).toBe(tenant);
        },
      },
      'scripts/restore.sh sqlfile ./fix.sql.gz': {
        before: async () => {
          writeFileSync(
            join(agent.folder, 'fix.sql.gz'),
            gzipSync('CREATE TABLE fixed (id int); INSERT INTO fixed VALUES (1);'),
          );
        },
        check: async () => {
          const tables = await Promise.all(
            (await made('^clinic_restored_')).map((name) =>
              server.sql("SELECT to_regclass('fixed') AS fixed", name),
            ),
          );
          expect(tables.flat().map(({ fixed }) => fixed)).toContain('fixed');
        },
      },
    });
    expect(stepsOf('tenants').every(({ where }) => where.startsWith('docs/tenants.md:'))).toBe(true);
  },
);
