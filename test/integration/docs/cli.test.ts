import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent } from '../../helpers/agent.ts';
import { stepsOf } from '../../helpers/documented.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { follow } from '../../helpers/printed-commands.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
const rows = async (database: string, table = 'orders') =>
  Number((await server.sql(`SELECT count(*) AS n FROM ${table}`, database))[0]?.['n']);

beforeAll(async () => {
  server = await startPostgres();
  await server.sql(CLINIC_ROLES);
  for (const name of ['shop', 'blog', 'clinic']) await server.sql(`CREATE DATABASE ${name}`);
  const orders =
    'CREATE TABLE orders AS SELECT n AS id, md5(n::text) AS note FROM generate_series(1, 2000) AS n';
  await server.sql(orders, 'shop');
  await server.sql('CREATE TABLE posts (id int); INSERT INTO posts VALUES (1)', 'blog');
  await server.sql(clinicDatabase(), 'clinic');
});
afterAll(() => server.stop());

test('docs/cli.md, from top to bottom, as printed → each command does what it says', async () => {
  const agent = await testAgent({});
  const config = join(agent.folder, 'holdfast.yml');
  const url = (name: string) => `postgresql://boss:bosspw@127.0.0.1:${server.port}/${name}`;
  writeFileSync(
    config,
    `sources:
  - url: ${url('shop')}
  - url: ${url('blog')}
  - url: ${url('clinic')}
    tenants: { schemas: 'tenant_*' }
`,
  );
  Object.assign(agent.environment, { HOLDFAST_CONFIG: config });
  const backups = join(agent.folder, 'backups');
  const dumpsOf = async (source: string) => {
    const { stdout } = await agent.run(['snapshots', source, '--json']);
    const listed = JSON.parse(stdout) as { shortId: string; tags: { kind: string } | null }[];
    return listed.filter(({ tags }) => tags?.kind === 'dump').map(({ shortId }) => shortId);
  };
  let noon = '';

  await follow(agent, 'cli', {
    'holdfast backup': {
      check: ({ stderr }) => {
        expect(stderr.match(/^backup of \w+: /gm)).toHaveLength(3);
        expect(agent.lastOk()).not.toBeNull();
        noon = `${new Date(Date.now() + 1000).toISOString().slice(0, 19)}Z`;
      },
    },
    'holdfast backup shop blog': {
      check: async ({ stderr }) => {
        expect(stderr).not.toMatch(/clinic/);
        expect(await dumpsOf('shop')).toHaveLength(2);
      },
    },
    'holdfast backup clinic --tenant 42': { check: ({ stderr }) => expect(stderr).toMatch(/tenant/) },
    'holdfast backup clinic --tenants --output ./backups --keep 7': {
      check: () => expect(readdirSync(backups).join()).toMatch(/clinic\.tenant_42_\d{8}T\d{6}Z\.dump\.gz/),
    },
    'holdfast verify': {
      check: ({ stderr }) => expect(stderr.match(/equal to the source; proved/g)).toHaveLength(3),
    },
    'holdfast restore shop --to shop_copy': {
      check: async () => expect(await rows('shop_copy')).toBe(2000),
    },
    'holdfast restore shop --at "2026-11-01 15:00" --yes': {
      before: () => server.sql('DELETE FROM orders WHERE id > 10', 'shop'),
      own: () => ({ '2026-11-01 15:00': noon }),
      check: async () => expect(await rows('shop')).toBe(2000),
    },
    'holdfast restore shop --snapshot 9f5a9484 --output - > shop.sql': {
      own: async () => ({ '9f5a9484': (await dumpsOf('shop'))[0]! }),
      check: () => expect(readFileSync(join(agent.folder, 'shop.sql'), 'latin1')).toMatch(/^PGDMP/),
    },
    'holdfast load ./backups/clinic.tenant_42_20261121T150000Z.dump.gz --source clinic --tenant 42 --to tenant_42_look':
      {
        own: () => ({
          'clinic.tenant_42_20261121T150000Z.dump.gz': readdirSync(backups).find((name) =>
            /tenant_42_.*\.dump\.gz$/.test(name),
          )!,
        }),
        check: async () => expect(await rows('tenant_42_look', 'tenant_42.patients')).toBe(30),
      },
    'holdfast status --check || echo "backups are stale"': {
      check: ({ stdout }) => expect(stdout).not.toMatch(/backups are stale/),
    },
    'holdfast accept shop --reason "orders before 2020 were archived" --by ada': {
      before: async () => {
        await server.sql('DELETE FROM orders WHERE id > 100', 'shop');
        const { code, stderr } = await agent.run(['backup', 'shop']);
        expect(code, stderr).toBe(3);
      },
      check: ({ stderr }) => expect(stderr).toMatch(/ada accepted .*: orders before 2020 were archived/),
    },
    'holdfast repair --dry-run': {
      check: ({ stdout, stderr }) => expect(stdout + stderr).toMatch(/nothing is broken/),
    },
    'holdfast repair --yes': {
      check: ({ stdout, stderr }) => expect(stdout + stderr).toMatch(/nothing is broken/),
    },
    'holdfast gate open --for 2h --reason "moving to the new server"': {
      check: () => {
        const path = join(agent.environment['HOLDFAST_STATUS_DIR']!, 'override.json');
        expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ reason: 'moving to the new server' });
      },
    },
    'holdfast gate': { check: ({ stdout }) => expect(stdout).toMatch(/moving to the new server/) },
    'holdfast gate auto': {
      check: async () => expect((await agent.run(['gate', '--json'])).stdout).toMatch(/"override": *null/),
    },
    'holdfast restic -- snapshots': {
      check: ({ stdout }) => expect(stdout).toMatch(/\/postgres\/shop\.dump\.gz/),
    },
    'holdfast restic -- ls latest': { check: ({ stdout }) => expect(stdout).toMatch(/^\/postgres\//m) },
  });
  expect(stepsOf('cli').every(({ where }) => where.startsWith('docs/cli.md:'))).toBe(true);
});
