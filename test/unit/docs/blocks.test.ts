import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { blocksOf, documents } from '../../helpers/docs.ts';
import { stepsOf } from '../../helpers/documented.ts';
import { repositoryRoot } from '../../helpers/stack.ts';

const named = (language: string) =>
  documents()
    .flatMap((file) => blocksOf(file, language))
    .map((block) => ({ block, where: `${block.file}:${block.line}` }));

describe('blocks of YAML', () => {
  test.each(named('yaml'))('$where → parses', ({ block }) => {
    expect(parse(block.text, { strict: true })).toBeTypeOf('object');
  });

  test.each(named('yaml').filter(({ block }) => block.text.startsWith('include:')))(
    '$where → includes files that are there, and every service has an image',
    ({ block }) => {
      const { include, services } = parse(block.text) as {
        include: string[];
        services: Record<string, { image?: string }>;
      };
      const files = include.map((path) => path.replace(/^holdfast\//, ''));
      expect(files.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
      expect(Object.values(services).every((service) => service.image)).toBe(true);
    },
  );
});

describe('blocks of JSON', () => {
  test.each(named('json'))('$where → parses', ({ block }) => {
    expect(JSON.parse(block.text)).toBeTypeOf('object');
  });

  test('S3 policies → full, append-only and restore', () => {
    const policies = blocksOf('docs/security.md', 'json').map((block) => block.attributes.policy);
    expect(policies).toEqual(['full', 'append-only', 'restore']);
  });
});

describe('the runbook', () => {
  const steps = stepsOf('runbook').filter(({ where }) => where.startsWith('docs/runbook.md'));

  test('its steps → are there, in order, each of them for the compose project', () => {
    expect(steps.length).toBeGreaterThan(20);
    expect(steps.filter(({ script }) => !script.includes('docker compose '))).toEqual([]);
  });

  test('commands that people have had in their runbooks all along → stand in it to the letter', () => {
    const lines = steps.flatMap(({ script }) => script.split('\n'));
    for (const command of LONG_STANDING) expect(lines).toContain(command);
  });
});

/** What must work as it stands, whatever changes. `exec db_backup cat` and the like are typed by heart. */
const LONG_STANDING = `docker compose run --rm db_backup restic init
docker compose exec db_backup /usr/local/bin/backup.sh
docker compose exec db_backup /usr/local/bin/verify.sh
docker compose exec db_backup restic stats
docker compose run --rm db_backup restic check
docker compose run --rm db_backup restic check --read-data
docker compose run --rm db_backup restic snapshots
docker compose run --rm db_backup restic ls latest "/mysql/"
docker compose run --rm -v "$PWD/restore_out:/restore" db_backup restic restore latest --include "/mysql/orders_tracker.sql.gz" --target /restore
gunzip -c restore_out/mysql/orders_tracker.sql.gz | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE"'
docker compose run --rm db_backup sh -lc 'restic dump <SNAPSHOT_ID> "/mysql/orders_tracker.sql.gz"' | gunzip | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER" "$MYSQL_DATABASE"'
docker compose run --rm db_backup sh -lc 'restic dump latest "/mysql/orders_tracker.sql.gz"' | gunzip | docker compose exec -T db sh -lc 'MYSQL_PWD="$MYSQL_PASSWORD" mysql -h127.0.0.1 -u"$MYSQL_USER"'
docker compose exec db_backup cat /status/last_ok
docker compose logs db_backup --tail 100
docker compose run --rm db_backup restic repair index
docker compose run --rm db_backup restic repair snapshots
docker compose run --rm db_backup restic prune
docker compose up -d db
docker compose --profile prod up -d`.split('\n');
