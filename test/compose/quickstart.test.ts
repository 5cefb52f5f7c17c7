import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { untilClosed, untilOpen, visit } from './gate.ts';
import { heartbeat, ofDatabases, snapshots, untilRepository } from './repository.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.create();
  return () => stack.remove();
});

beforeAll(() =>
  stack.explained(async () => {
    await stack.sh('docker compose up -d', 240_000);
    await untilDatabase();
    await untilRepository(stack);
  }),
);

const asApp = (sql: string, database = '"$MYSQL_DATABASE"') =>
  `docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -N -h127.0.0.1 -u"$MYSQL_USER" ${database} -e "${sql}"'`;

const content = () =>
  stack.ask(
    asApp(
      'CHECKSUM TABLE customers, orders, order_log; SELECT COUNT(*) FROM orders; SELECT * FROM order_totals',
    ),
  );

/** Away with what the shop holds, so that only a restore can bring it back. */
const lose = () => stack.sh(asApp('DELETE FROM order_log; DELETE FROM orders; DROP VIEW order_totals'));

const untilDatabase = () =>
  until('the database is healthy', async () => (await stack.try(asApp('SELECT 1'))).code === 0, 120_000);

describe('docker compose up -d, without any .env', () => {
  it('opens the site, because a new server has a day until its first backup', async () => {
    const page = await untilOpen(stack, 90_000);
    expect(page.body).toContain('40 orders');
    expect(heartbeat(stack)).toBeNull();
  });

  it('makes a repository and says where its password is', async () => {
    expect(await snapshots(stack)).toEqual([]);
    const log = await stack.ask('docker compose logs db_backup');
    expect(log).toMatch(/password/i);
    expect(log).toMatch(/\/var\/lib\/holdfast/);
  });

  it('is found in order by the doctor, who warns until the password is stored elsewhere', async () => {
    const warned = await stack.try('docker compose exec -T db_backup holdfast doctor');
    expect(warned.code, show(warned)).toBe(3);
    expect(warned.stdout).toMatch(/warning +password/);
    await stack.sh('docker compose exec -T db_backup holdfast init --password-stored');
    await stack.sh('docker compose exec -T db_backup holdfast doctor');
  });

  it('validates its own compose files, with the profile of the runbooks too', async () => {
    await stack.sh('docker compose config -q');
    await stack.sh('docker compose --profile prod config -q');
  });
});

describe('the commands that people have in their runbooks', () => {
  it('docker compose run --rm db_backup restic init: refuses, and changes nothing', async () => {
    const before = await stack.ask('docker compose exec -T db_backup restic cat config');
    const init = await stack.try('docker compose run --rm db_backup restic init');
    expect(init.code, show(init)).toBe(1);
    expect(init.stderr).toMatch(/exist|already/i);
    expect(await stack.ask('docker compose exec -T db_backup restic cat config')).toBe(before);
  });

  it('docker compose exec db_backup /usr/local/bin/backup.sh: one more snapshot, a heartbeat', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/backup.sh');
    const taken = await snapshots(stack);
    expect(taken).toHaveLength(1);
    expect(taken[0]).toMatchObject({ paths: ['/mysql/orders_tracker.sql.gz'], hostname: 'holdfast' });
    expect(heartbeat(stack)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
  });

  it('docker compose exec db_backup /usr/local/bin/verify.sh: leaves no scratch behind', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/verify.sh');
    const databases = await stack.ask(
      `docker compose exec -T db sh -c 'MYSQL_PWD="$HOLDFAST_DB_PASSWORD" mysql -N -h127.0.0.1 -uholdfast -e "SHOW DATABASES"'`,
    );
    expect(databases).not.toMatch(/scratch/);
  });

  it.each([
    ['docker compose exec db_backup restic stats', /Total Size/],
    ['docker compose run --rm db_backup restic check', /no errors were found/],
    ['docker compose run --rm db_backup restic check --read-data', /no errors were found/],
    ['docker compose run --rm db_backup restic snapshots', /\/mysql\/orders_tracker\.sql\.gz/],
    ['docker compose run --rm db_backup restic ls latest "/mysql/"', /\/mysql\/orders_tracker\.sql\.gz/],
    ['docker compose exec db_backup cat /status/last_ok', /^\d{4}-.*Z$/m],
    ['docker compose logs db_backup --tail 100', /backup/],
    ['docker compose run --rm db_backup restic repair index', /done|loading indexes/i],
    [
      'docker compose run --rm db_backup restic repair snapshots',
      /no snapshots? (was|were) modified|finished/i,
    ],
    ['docker compose run --rm db_backup restic prune', /done|to delete/i],
  ])('%s', async (command, expected) => {
    const { stdout } = await stack.sh(command);
    expect(stdout).toMatch(expected);
  });

  it('restic speaks alone on stdout, also under run --rm and sh -lc', async () => {
    for (const command of [
      'docker compose run --rm db_backup restic snapshots --json',
      "docker compose run --rm db_backup sh -lc 'restic snapshots --json'",
    ]) {
      expect(ofDatabases(await stack.ask(command))).toHaveLength(1);
    }
  });

  it('restic restore to a folder, then gunzip into mysql as the application', async () => {
    const before = await content();
    await stack.sh(
      'docker compose run --rm -v "$PWD/restore_out:/restore" db_backup restic restore latest --include "/mysql/orders_tracker.sql.gz" --target /restore',
    );
    const file = join(stack.folder, 'restore_out/mysql/orders_tracker.sql.gz');
    expect(statSync(file).mode & 0o044, 'readable by the person who types gunzip').toBe(0o044);
    expect(statSync(join(file, '..')).mode & 0o055, 'and so is its folder').toBe(0o055);
    await lose();
    await stack.sh(
      `gunzip -c restore_out/mysql/orders_tracker.sql.gz | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE"'`,
    );
    expect(await content()).toBe(before);
  });

  it('restic dump of a snapshot by its id, into the named database', async () => {
    const before = await content();
    const [taken] = await snapshots(stack);
    await lose();
    await stack.sh(
      `set -o pipefail; docker compose run --rm db_backup sh -lc 'restic dump <SNAPSHOT_ID> "/mysql/orders_tracker.sql.gz"' | gunzip | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE"'`.replace(
        '<SNAPSHOT_ID>',
        taken?.short_id ?? '',
      ),
    );
    expect(await content()).toBe(before);
  });

  it('a new server: the database alone, the newest dump without naming a database, then everything', async () => {
    const before = await content();
    await stack.sh('docker compose down');
    await stack.sh('docker volume rm "${COMPOSE_PROJECT_NAME}_db_data"');
    await stack.sh('docker compose up -d db');
    await untilDatabase();
    await stack.sh(
      `set -o pipefail; docker compose run --rm db_backup sh -lc 'restic dump latest "/mysql/orders_tracker.sql.gz"' | gunzip | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER"'`,
    );
    expect(await content()).toBe(before);
    await stack.sh('docker compose --profile prod up -d');
    expect((await untilOpen(stack)).body).toContain('40 orders');
  });
});

describe('when the database is stopped', () => {
  it('a backup fails and says so; no snapshot, no heartbeat; the next one is good', async () => {
    const before = await snapshots(stack);
    const [countBefore, newestBefore, beatBefore] = [before.length, before.at(-1)?.id, heartbeat(stack)];
    await stack.sh('docker compose stop db');
    const failed = await stack.try('docker compose exec db_backup /usr/local/bin/backup.sh');
    expect(failed.code, show(failed)).toBe(1);
    expect(failed.stderr).toMatch(/orders_tracker|db:3306/);
    expect(failed.stderr).toContain('docker compose start db');
    expect(await snapshots(stack)).toHaveLength(countBefore);
    expect(heartbeat(stack)).toBe(beatBefore);

    await stack.sh('docker compose start db');
    await untilDatabase();
    await stack.sh('docker compose exec db_backup /usr/local/bin/backup.sh');
    const after = await snapshots(stack);
    expect(after).toHaveLength(countBefore + 1);
    expect(after.at(-1)?.id).not.toBe(newestBefore);
    expect(heartbeat(stack)).not.toBe(beatBefore);
  });
});

describe('the gate', () => {
  const setHeartbeat = (text: string) =>
    stack.sh(
      `docker compose exec -T db_backup sh -c 'printf "%s\\n" "${text}" >/status/.new && mv /status/.new /status/last_ok'`,
    );

  it('closes with a real 503, a page and a reason when the heartbeat is stale', async () => {
    await untilOpen(stack);
    await setHeartbeat('2020-01-01T00:00:00Z');
    const page = await untilClosed(stack);
    expect(page).toMatchObject({ status: 503, reason: 'stale' });
    expect(Number(page.retryAfter)).toBeGreaterThan(0);
    expect(page.type).toMatch(/text\/html/);
    expect(page.body).toMatch(/backup/i);

    const answer = await visit(stack, '/orders', { headers: { accept: 'application/json' } });
    expect(answer).toMatchObject({ status: 503, reason: 'stale' });
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'stale' });

    const upload = await visit(stack, '/orders', {
      method: 'POST',
      body: new URLSearchParams({ item: 'x' }),
    });
    expect(upload.status).toBe(503);
  });

  it('opens again after the next good backup', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/backup.sh');
    await untilOpen(stack);
  });

  it('refuses a heartbeat from the future', async () => {
    const good = heartbeat(stack)?.trim() ?? '';
    await setHeartbeat('2099-01-01T00:00:00Z');
    expect((await untilClosed(stack)).reason).toBe('future_timestamp');
    await setHeartbeat(good);
    await untilOpen(stack);
  });

  it('is closed while the sentinel is down', async () => {
    await stack.sh('docker compose stop --timeout 5 sentinel');
    await untilClosed(stack);
    await stack.sh('docker compose start sentinel');
    await untilOpen(stack);
  });
});

describe('restore as one command', () => {
  it('into a new database beside the old one', async () => {
    const before = await content();
    await stack.sh(
      'docker compose exec -T db_backup holdfast restore orders_tracker --to orders_tracker_copy --yes',
    );
    const copied = await stack.ask(
      `docker compose exec -T db sh -c 'MYSQL_PWD="$HOLDFAST_DB_PASSWORD" mysql -N -h127.0.0.1 -uholdfast orders_tracker_copy -e "SELECT COUNT(*) FROM orders"'`,
    );
    expect(copied).toBe('40');
    expect(await content()).toBe(before);
  });

  it('over the old one', async () => {
    const before = await content();
    await lose();
    await stack.sh('docker compose exec -T db_backup holdfast restore orders_tracker --yes');
    expect(await content()).toBe(before);
  });
});

describe('ending', () => {
  it('stops within its grace and leaves no lock', async () => {
    await stack.sh('docker compose stop db_backup', 130_000);
    expect(await stack.ask('docker compose run --rm db_backup restic list locks --no-lock')).toBe('');
  });

  it('docker compose down -v: the status folder survives', async () => {
    const file = join(stack.folder, 'status/last_ok');
    const before = readFileSync(file, 'utf8');
    await stack.sh('docker compose down -v');
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});
