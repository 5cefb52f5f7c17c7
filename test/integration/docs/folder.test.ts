import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../../fixtures/tenants/clinic.ts';
import { testAgent } from '../../helpers/agent.ts';
import { checksumsOf } from '../../helpers/clinic.ts';
import { stepsOf } from '../../helpers/documented.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { follow } from '../../helpers/printed-commands.ts';
import type { TestServer } from '../../helpers/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql(CLINIC_ROLES);
  await server.sql('CREATE DATABASE shop');
  await server.sql(clinicDatabase(), 'shop');
  await server.sql('CREATE DATABASE shop_copy');
});
afterAll(() => server.stop());

test('docs/runbook.md, a dump as a folder is read without us, as printed → all of it and one schema come back', async () => {
  const agent = await testAgent({
    DATABASE_URL: `postgresql://boss:bosspw@127.0.0.1:${server.port}/shop`,
    BACKUP_FORMAT: 'directory',
    BACKUP_JOBS: '2',
  });
  const backup = await agent.run(['backup']);
  expect(backup.code, backup.stderr).toBe(0);
  const was = await checksumsOf(server, 'shop');
  const copied = () => checksumsOf(server, 'shop_copy');
  const environment = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGPASSWORD: 'bosspw' };
  const [whole, part] = [join(agent.folder, 'whole'), join(agent.folder, 'part')];
  let files: string[] = [];

  const latest =
    'restic restore latest:/postgres/shop.dir --tag source=shop,kind=dump --target /restore/shop';
  const load = 'pg_restore -U postgres -d shop_copy --exit-on-error';
  await follow(agent, 'folder', {
    [latest]: { own: () => ({ '/restore/shop': whole }), check: () => undefined },
    [`${load} --jobs=4 /restore/shop`]: {
      environment,
      own: () => ({ '-U postgres': '-U boss', '/restore/shop': whole }),
      check: async () => expect(await copied()).toEqual(was),
    },
    [`${latest} --include /toc.dat`]: { own: () => ({ '/restore/shop': part }), check: () => undefined },
    "pg_restore --list /restore/shop | grep 'TABLE DATA tenant_42'": {
      own: () => ({ '/restore/shop': part }),
      check: ({ stdout }) => {
        files = [...stdout.matchAll(/^(\d+);.* TABLE DATA tenant_42 /gm)].map(([, id]) => `/${id}.dat`);
        expect(files.length).toBeGreaterThan(1);
      },
    },
    [`${latest} --include /3345.dat --include /3346.dat`]: {
      own: () => ({
        '/restore/shop': part,
        '--include /3345.dat --include /3346.dat': files.map((file) => `--include ${file}`).join(' '),
      }),
      check: () => undefined,
    },
    [`${load} --schema=tenant_42 /restore/shop`]: {
      environment,
      before: () => server.sql('DROP SCHEMA tenant_42 CASCADE; CREATE SCHEMA tenant_42', 'shop_copy'),
      own: () => ({ '-U postgres': '-U boss', '/restore/shop': part }),
      check: async () => expect((await copied())['tenant_42']).toBe(was['tenant_42']),
    },
  });
  expect(stepsOf('folder').every(({ where }) => where.startsWith('docs/runbook.md:'))).toBe(true);
});
