import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stepsOf, theOne, type Step } from '../helpers/documented.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { untilOpen } from './gate.ts';
import { take } from './printed.ts';
import { untilRepository } from './repository.ts';
import { makeBucket, STORAGE, storageFiles } from './storage.ts';

/** Somebody's shop: its tables are the application's own, and an administrator has the name that the runbook prints. */
const SHOP = `CREATE ROLE postgres SUPERUSER LOGIN;
CREATE ROLE shop_owner LOGIN CREATEDB PASSWORD 'its-password';
ALTER DATABASE shop OWNER TO shop_owner;
CREATE TABLE orders (id serial PRIMARY KEY, item text);
INSERT INTO orders (item) SELECT 'oar ' || n FROM generate_series(1, 40) AS n;
ALTER TABLE orders OWNER TO shop_owner;
`;
const PASSWORD = 'stored elsewhere';

let stack: Stack;
const rows = (database = 'shop') => stack.ask(psql('SELECT count(*) FROM orders', database));
const psql = (sql: string, database = 'shop') =>
  `docker compose exec -T db psql -h 127.0.0.1 -qAt -U shop -d ${database} -c "${sql}"`;
const lose = () => stack.sh(psql('DELETE FROM orders'));

beforeAll(async () => {
  const { files, ca } = await storageFiles();
  stack = await Stack.create({
    clone: 'holdfast',
    files: {
      ...files,
      'compose.yml': theOne('readme', 'yaml'),
      'compose.override.yml': `services:
  ${STORAGE}
  app:
    image: nginx:1.28
    command: [sh, -c, "sed -i 's/listen  *80;/listen 3000;/' /etc/nginx/conf.d/default.conf && exec nginx -g 'daemon off;'"]
  db:
    image: postgres:18-trixie
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
      'init/1.sql': SHOP,
      'db-password': 'sesame',
      'holdfast/.env': `${theOne('readme', 'ini')}SSL_CERT_FILE=/etc/holdfast/ca.pem\n`,
      'holdfast/config/ca.pem': ca,
      'holdfast/config/database-url': 'postgresql://shop:sesame@db/shop\n',
      'holdfast/config/restic-password': `${PASSWORD}\n`,
      'holdfast/config/aws-key-id': 'harbour\n',
      'holdfast/config/aws-secret-key': 'master\n',
    },
  });
  return () => stack.remove();
});

beforeAll(() =>
  stack.explained(async () => {
    for (const file of ['database-url', 'restic-password', 'aws-key-id', 'aws-secret-key'])
      await stack.sh(`cd holdfast/config && chgrp 1000 ${file} && chmod 640 ${file}`);
    await makeBucket(stack);
    await stack.sh('docker compose up -d', 240_000);
    await until('the database answers', async () => (await stack.try(psql('SELECT 1'))).code === 0, 120_000);
    await untilRepository(stack);
  }),
);

const steps = (mark: 'readme' | 'postgres') => (mark === 'readme' ? stepsOf('readme') : stepsOf('postgres'));
const holding = (word: string, ...among: Step[]) => among.find(({ script }) => script.includes(word))!;

describe("the README's project, as printed, with PostgreSQL 18 and a bucket", () => {
  it('its commands → the doctor has nothing to say, and there is a backup', async () => {
    await take(stack, holding('holdfast doctor', ...steps('readme')));
    expect((await untilOpen(stack)).body).toMatch(/nginx/i);
  });

  it('the restore → into a new database, and over the old one after its name is typed', async () => {
    await lose();
    await take(stack, holding('restore shop', ...steps('readme')));
    expect([await rows(), await rows('shop_copy')]).toEqual(['40', '40']);
  });
});

describe('docs/runbook.md, PostgreSQL, as printed', () => {
  it('as the role that owns the tables → they are its own', async () => {
    await stack.sh(psql('DROP DATABASE shop_copy'));
    const secret = 'postgresql://shop_owner:its-password@db/shop';
    await take(stack, holding('read -rs', ...steps('postgres')), { secret });
    const owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'";
    expect([await rows('shop_copy'), await stack.ask(psql(owner, 'shop_copy'))]).toEqual([
      '40',
      'shop_owner',
    ]);
  });

  it('by hand with pg_restore → all of it, or one table', async () => {
    await lose();
    await take(stack, holding('--clean', ...steps('postgres')));
    await take(stack, holding('createdb', ...steps('postgres')));
    expect([await rows(), await rows('scratch')]).toEqual(['40', '40']);
  });

  it('the roles by hand → with the password that was stored', async () => {
    await stack.sh(psql("ALTER ROLE shop_owner PASSWORD 'forgotten'"));
    await take(stack, holding('globals', ...steps('postgres')));
    await stack.sh(
      'docker compose exec -T -e PGPASSWORD=its-password db psql -h db -U shop_owner -d shop -c "SELECT 1"',
    );
  });

  it('every step of it → was taken', () => {
    expect(steps('postgres')).toHaveLength(4);
    expect(steps('readme')).toHaveLength(2);
  });
});

it('restic alone, on a machine that has nothing else → it opens what was stored, and keeps it', async () => {
  const printed = stepsOf('anywhere').map(({ script }) => script);
  writeFileSync(join(stack.folder, 'anywhere.sh'), printed.join('\n').replace('the password', PASSWORD));
  const machine =
    'docker compose run --rm -T --no-deps db_backup env -i PATH=/usr/bin:/bin HOME=/tmp SSL_CERT_FILE=/etc/holdfast/ca.pem';
  const { stdout } = await stack.sh(`${machine} bash -s <anywhere.sh`);
  expect(stdout).toMatch(/\/postgres\/shop\.dump\.gz[\s\S]*snapshots/);
});
