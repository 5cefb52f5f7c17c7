import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLINIC_ROLES, clinicDatabase } from '../fixtures/tenants/clinic.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { untilRepository } from './repository.ts';

/** The integration layer has the server of the distribution alone: these are the others, with the clients that the image takes for them. */
describe.concurrent.each([17, 18])('tenants of PostgreSQL %i', (major) => {
  let stack: Stack;
  beforeAll(async () => {
    const source = (more: string) => `sources:
  - url: postgresql://keeper:secret@db:5432/clinic
    name: clinic${more}
    tenants: { schemas: 'tenant_*', after_restore: "update tenants set status = 'BACK' where id = $1" }
`;
    stack = await Stack.create({
      clone: 'holdfast',
      files: {
        'compose.yml': `include:
  - holdfast/compose.holdfast.yml

services:
  db:
    image: postgres:${major}-trixie
    environment: { POSTGRES_USER: keeper, POSTGRES_PASSWORD: secret, POSTGRES_DB: clinic }
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
        'init/1.sql': `${CLINIC_ROLES}\n${clinicDatabase()}`,
        'holdfast/config/holdfast.yml': source(''),
        'holdfast/config/folder.yml': source('\n    format: directory\n    jobs: 2'),
        'holdfast/.env': 'RESTIC_PASSWORD=stored-elsewhere\nHOLDFAST_CONFIG=/etc/holdfast/holdfast.yml\n',
      },
    });
    await stack.explained(async () => {
      await stack.sh('docker compose up -d db db_backup', 240_000);
      const listens = "docker compose exec -T db bash -c '</dev/tcp/127.0.0.1/5432'";
      await until('the server stays', async () => (await stack.try(listens)).code === 0, 120_000);
      await untilRepository(stack);
    });
  });
  afterAll(() => stack.remove());

  const query = (sql: string, database = 'clinic') =>
    stack.ask(
      `docker compose exec -T db psql -qAt -v ON_ERROR_STOP=1 -U keeper -d ${database} <<'SQL'\n${sql}\nSQL`,
    );
  const inAgent = (commands: string) => `docker compose exec -T db_backup sh -c '${commands}'`;
  const holdfast = async (command: string) => {
    const { stdout, stderr } = await stack.sh(inAgent(`holdfast ${command}`), 120_000);
    return `${stdout}${stderr}`;
  };
  const rowsOf = (schema: string, database?: string) =>
    query(
      `SELECT count(*), sum(hashtextextended(p::text, 0)) FROM "${schema}".patients p;
       SELECT count(*), sum(hashtextextended(a::text, 0)) FROM "${schema}".appointments a;`,
      database,
    );
  const restored = '--yes --no-restore-point';

  it(
    'backed up as a folder, a set, a dump of its own and as a whole → each brings one tenant back; then another, all of them, and the proof of each',
    { timeout: 300_000 },
    async () => {
      const odd = 'tenant_North-East';
      const [before, others] = [await rowsOf(odd), await rowsOf('tenant_42')];
      await stack.sh(
        inAgent(
          'set -e; HOLDFAST_CONFIG=/etc/holdfast/folder.yml holdfast backup; holdfast backup --tenants; holdfast backup --tenant North-East; holdfast backup',
        ),
        120_000,
      );
      const listed = JSON.parse(await stack.ask(inAgent('holdfast snapshots --json'))) as {
        id: string;
        path: string;
        tags: { kind: string };
      }[];
      const idOf = (kind: string, isIt: (path: string) => boolean = () => true) =>
        listed.findLast(({ tags, path }) => tags.kind === kind && isIt(path))?.id ?? `no ${kind}`;
      const ids = [
        idOf('dump', (path) => path.endsWith('.dir')),
        idOf('tenant-set'),
        idOf('on-demand'),
        idOf('dump', (path) => !path.endsWith('.dir')),
      ];
      for (const id of ids) {
        await query(
          `DELETE FROM "${odd}".patients; DROP FUNCTION "${odd}".patients_of; UPDATE tenants SET status = 'ACTIVE'`,
        );
        expect(await holdfast(`restore clinic --tenant North-East --snapshot ${id} ${restored}`)).toMatch(
          /3 tables, 30 rows; .*equal to the source/,
        );
        expect(await rowsOf(odd)).toBe(before);
        expect(
          await query(
            `SET ROLE clinic_app; SELECT "${odd}".patients_of('DE'), count(*) FROM "${odd}".patients; RESET ROLE;
             SELECT string_agg(id, ',') FROM tenants WHERE status = 'BACK'`,
          ),
        ).toBe('5|10\nNorth-East');
      }
      expect(await rowsOf('tenant_42')).toBe(others);

      // What all share is another: a set says so, as a dump of everything does.
      await query("ALTER TYPE visit_state RENAME VALUE 'done' TO 'over'");
      const set = `restore clinic --tenant North-East --snapshot ${ids[1]} ${restored}`;
      const refused = await stack.try(inAgent(`holdfast ${set}`), 120_000);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/needs type public\.visit_state, which is not what it was/),
      ]);
      await query("ALTER TYPE visit_state RENAME VALUE 'over' TO 'done'");

      expect(await holdfast('verify clinic --tenants')).toMatch(/5 tenants/);
      await holdfast('restore clinic --tenant 42 --to-tenant 77 --yes');
      expect(await rowsOf('tenant_77')).toBe(others);
      expect(await query("SELECT tenant_77.patients_of('DE')")).toBe('15');
      expect(await holdfast('restore clinic --to clinic_new --by-tenant --yes')).toMatch(
        /equal to the source/,
      );
      expect(await rowsOf(odd, 'clinic_new')).toBe(before);
      expect(await query("SELECT to_regnamespace('tenant_new') IS NOT NULL", 'clinic_new')).toBe('t');
    },
  );
});
