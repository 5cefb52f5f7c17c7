import { beforeAll, describe, expect, it } from 'vitest';
import { describe as show } from '../helpers/shell.ts';
import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';
import { heartbeat, snapshots, untilRepository } from './repository.ts';

/** The quickstart with its repository in a bucket, and the disaster that this is for. */
describe('a repository on an S3-protocol server', () => {
  let stack: Stack;
  const query = (sql: string) =>
    stack.ask(
      `docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -N -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE" -e "${sql}"'`,
    );
  /** As people do it beforehand, in their provider's console. */
  const makeBucket = () =>
    stack.sh(
      `docker compose exec -T db_backup node -e 'fetch("http://s3:5000/backups", { method: "PUT" }).then((made) => process.exit(made.ok ? 0 : 1))'`,
    );
  const untilOrders = () =>
    until(
      'the shop has its orders',
      async () => (await query('SELECT COUNT(*) FROM orders')) === '40',
      120_000,
    );

  beforeAll(async () => {
    stack = await Stack.create({
      files: {
        'compose.override.yml': 'services: { s3: { image: holdfast-test-s3 } }\n',
        '.env': [
          'COMPOSE_FILE=docker-compose.yml:compose.override.yml',
          'RESTIC_REPOSITORY=s3:http://s3:5000/backups',
          `RESTIC_PASSWORD='four $words with #spaces'`,
          'AWS_ACCESS_KEY_ID=harbour',
          'AWS_SECRET_ACCESS_KEY=master',
          'HOLDFAST_NGINX=0',
        ].join('\n'),
      },
    });
    return () => stack.remove();
  });

  beforeAll(() =>
    stack.explained(async () => {
      await stack.sh('docker compose up -d', 240_000);
      await untilOrders();
      await makeBucket();
      await untilRepository(stack);
    }),
  );

  it('takes a backup, and shows it to restic', async () => {
    await stack.sh('docker compose exec db_backup /usr/local/bin/backup.sh');
    expect(await snapshots(stack)).toHaveLength(1);
    expect(heartbeat(stack)).not.toBeNull();
    await stack.sh('docker compose run --rm db_backup restic check --read-data');
  });

  it('a new server with nothing but the repository and its password: one command brings the database back', async () => {
    await stack.sh('docker compose rm --stop --force db app db_backup sentinel');
    await stack.sh(
      'docker volume rm "${COMPOSE_PROJECT_NAME}_db_data" "${COMPOSE_PROJECT_NAME}_holdfast_state" "${COMPOSE_PROJECT_NAME}_holdfast_cache"',
    );
    await stack.sh('docker compose up -d db db_backup');
    await until('the database answers', async () => (await query('SELECT 1')) === '1', 120_000);
    await stack.sh('docker compose exec -T db_backup holdfast restore orders_tracker --yes');
    expect(await query('SELECT COUNT(*) FROM orders')).toBe('40');
    expect(await query('SELECT COUNT(*) FROM order_totals')).toBe('4');
  });

  it('is reported as unreachable in under a minute, not after fifteen', async () => {
    const before = heartbeat(stack);
    await stack.sh('docker compose stop --timeout 5 s3');
    const started = Date.now();
    const failed = await stack.try('docker compose exec db_backup /usr/local/bin/backup.sh');
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(failed.code, show(failed)).toBe(1);
    expect(failed.stderr).toMatch(/repository/);
    expect(heartbeat(stack)).toBe(before);
  });
});
