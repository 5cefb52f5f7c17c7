import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stepsOf, theOne } from '../helpers/documented.ts';
import { describe as show } from '../helpers/shell.ts';
import { repositoryRoot, Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { take } from './printed.ts';
import { untilRepository } from './repository.ts';
import { makeBucket, STORAGE, storageFiles } from './storage.ts';

const ROOT_PASSWORD = 'top-secret';
/** What a dump has to hold, and what takes a right of its own to be seen. */
const SHOP = `CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, item VARCHAR(80));
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(80));
CREATE TRIGGER orders_are_logged AFTER INSERT ON orders FOR EACH ROW INSERT INTO log (note) VALUES (NEW.item);
CREATE VIEW items AS SELECT item FROM orders;
CREATE PROCEDURE howMany() SELECT COUNT(*) FROM orders;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE id < 0;
INSERT INTO orders (item) VALUES ('oar'), ('rope'), ('⚓');
`;

let stack: Stack;
let ca: string;
const steps = stepsOf('quickstart');
const step = (word: string) => steps.find(({ script }) => script.includes(word))!;
const asRoot = (sql: string) =>
  `docker compose exec -T -e MYSQL_PWD=${ROOT_PASSWORD} db mysql -N -h127.0.0.1 -uroot -e "${sql}"`;

beforeAll(async () => {
  const storage = await storageFiles();
  ca = storage.ca;
  stack = await Stack.create({
    clone: 'origin',
    files: {
      ...storage.files,
      'compose.override.yml': `services:
  ${STORAGE}
  app: { image: nginx:1.28 }
  db:
    # Of a database with triggers, as docs/security.md has it.
    command: --log-bin-trust-function-creators=1
    environment: { MYSQL_DATABASE: shop, MYSQL_ROOT_PASSWORD: ${ROOT_PASSWORD} }
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
      'init/1.sql': SHOP,
    },
  });
  return () => stack.remove();
});

describe('docs/quickstart.md, as printed, beside a MySQL 9.7 of your own', () => {
  it('a clone, its .env, the compose file, the secrets → everything starts', async () => {
    cpSync(join(repositoryRoot, '.env.example'), join(stack.clone, '.env.example'));
    await stack.sh(
      'git init -q origin && git -C origin add -A && git -C origin -c user.name=x -c user.email=x@example.com commit -qm x',
    );
    await take(stack, step('git clone'), { own: [['URL-OF-THIS-REPOSITORY', './origin']] });
    writeFileSync(join(stack.folder, 'compose.yml'), theOne('quickstart', 'yaml'));
    const [clone, config] = [join(stack.folder, 'holdfast'), join(stack.folder, 'holdfast/config')];
    appendFileSync(join(clone, '.env'), `${theOne('quickstart', 'ini')}SSL_CERT_FILE=/etc/holdfast/ca.pem\n`);
    mkdirSync(config, { recursive: true });
    const secrets = {
      'db-password': 'secret',
      'restic-password': 'stored elsewhere',
      'aws-key-id': 'harbour',
    };
    for (const [name, text] of Object.entries({ ...secrets, 'aws-secret-key': 'master', 'ca.pem': ca }))
      writeFileSync(join(config, name), text);
    await take(stack, step('chgrp'));
    await makeBucket(stack);
    await take(stack, step('docker compose up -d'));
    await stack.explained(() =>
      until(
        'the rows are there',
        async () => (await stack.try(asRoot('SELECT 1 FROM shop.orders'))).stdout !== '',
        120_000,
      ),
    );
    await untilRepository(stack);
  });

  it('the rights of docs/security.md, pasted at the prompt that docs/troubleshooting.md opens → the doctor has nothing to say', async () => {
    const before = await stack.try(step('holdfast doctor').script);
    expect(before.code, show(before)).toBe(1);
    const client = await stack.typed(step('mysql -uroot -p').script.split('\n')[1]!, [
      { asks: /Enter password: /, answer: ROOT_PASSWORD },
      { asks: /mysql> /, answer: `${theOne('grants-mysql', 'sql')}exit` },
    ]);
    expect(client.stdout).not.toMatch(/^ERROR/m);
    const { stdout } = await take(stack, step('holdfast doctor'));
    expect(stdout).toMatch(/ok +shop/);
  });

  it('with exactly these rights → a whole backup, and a verification that proves it', async () => {
    const { stderr } = await take(stack, step('holdfast verify'));
    expect(stderr).toMatch(/equal to the source; proved/);
    expect(stderr).not.toMatch(/warning/);
  });

  it('the first restore → the message names the right that is missing', async () => {
    const { stderr } = await take(stack, step('restore shop'));
    expect(stderr).toMatch(/GRANT .*shop\\?_copy/);
  });

  it('every step of it → was taken', () => {
    expect(steps).toHaveLength(7);
  });
});
