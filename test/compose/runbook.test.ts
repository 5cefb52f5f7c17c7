import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/loopback/ports.ts';
import { marked, stepsOf } from '../helpers/documented.ts';
import { Stack } from '../helpers/stack.ts';
import { untilOpen } from './gate.ts';
import { take } from './printed.ts';
import { snapshots, untilRepository } from './repository.ts';

const ROOT_PASSWORD = 'top-secret';
/** An administrator whose password is known. */
const OVERRIDE = `services:
  db: { environment: { MYSQL_ROOT_PASSWORD: ${ROOT_PASSWORD}, MYSQL_RANDOM_ROOT_PASSWORD: '' } }
`;
const PAGE = 'localhost:8081';

let stack: Stack;
let pagePort: number;
let environment: string;

const asRoot = (sql: string) => {
  writeFileSync(join(stack.folder, 'step.sql'), sql);
  return stack.ask(
    `docker compose exec -T -e MYSQL_PWD=${ROOT_PASSWORD} db mysql -N -h127.0.0.1 -uroot <step.sql`,
  );
};

beforeAll(async () => {
  pagePort = await freePort();
  const overrides = [
    OVERRIDE,
    ...marked('runbook', 'yaml').map(({ text }) => text.replace('8081', String(pagePort))),
  ];
  const files = Object.fromEntries(overrides.map((text, i) => [`override-${i}.yml`, text]));
  environment = `COMPOSE_FILE=${['docker-compose.yml', ...Object.keys(files)].join(':')}\n`;
  stack = await Stack.create({ files: { ...files, '.env': environment } });
  return () => stack.remove();
});

beforeAll(() =>
  stack.explained(async () => {
    await stack.sh('docker compose up -d', 240_000);
    await untilRepository(stack);
    await untilOpen(stack, 120_000);
    // The row that the runbook takes out of a copy.
    await asRoot(
      "INSERT INTO orders_tracker.orders (id, customer_id, item, cents) VALUES (4711, 1, 'oar', 4200)",
    );
    await stack.sh('docker compose exec -T db_backup holdfast backup');
  }),
);

/** What a reader puts in of his own: the printed words, and what stands for them. */
async function own(script: string): Promise<[string, string][]> {
  const here: [string, string][] = [
    ['localhost:8080', `localhost:${stack.port}`],
    [PAGE, `localhost:${pagePort}`],
  ];
  if (!/SNAPSHOT_ID|9f5a9484|4c1d7e20|2026-11-01/.test(script)) return here;
  const taken = await snapshots(stack);
  const newest = (kind: string) => taken.findLast(({ tags }) => tags?.includes(`kind=${kind}`));
  const dump = newest('dump')!;
  const after = Date.parse(dump.time) + 1000;
  const toTheSecond = (time: number) => new Date(time).toISOString().slice(0, 19);
  return [
    ...here,
    ['<SNAPSHOT_ID>', dump.short_id],
    ['9f5a9484', dump.short_id],
    ['4c1d7e20', newest('restore-point')?.short_id ?? 'none'],
    ['2026-11-01 15:00', `${toTheSecond(after)}Z`],
    ['2026-11-01T17:00+02:00', `${toTheSecond(after + 2 * 3600_000)}+02:00`],
  ];
}

/** What has happened before a step, by a word of it. */
const BEFORE: Record<string, () => Promise<unknown>> = {
  'WHERE id = 4711': () => asRoot('DELETE FROM orders_tracker.orders WHERE id = 4711'),
  '1000:1000 repository': loseTheServer,
  // The second backup after the history was put back, from which on nothing is strange any more.
  'prune --dry-run': () => stack.try('docker compose exec -T db_backup holdfast backup'),
};

/** Of the old server there is a copy of the repository in a folder, and its password; the database stays, to save the time. */
async function loseTheServer() {
  const password = await stack.ask('docker compose exec -T db_backup cat /var/lib/holdfast/restic-password');
  await stack.sh(
    'mkdir repository && docker compose exec -T db_backup tar -C /repository -c . | tar -C repository -x',
  );
  await stack.sh('docker compose rm --stop --force db_backup');
  await stack.sh(
    'docker volume rm "${COMPOSE_PROJECT_NAME}_holdfast_repository" "${COMPOSE_PROJECT_NAME}_holdfast_state"',
  );
  rmSync(join(stack.folder, 'status/last_ok'));
  writeFileSync(join(stack.folder, '.env'), `${environment}RESTIC_PASSWORD=${password}\n`);
}

describe('the documents of the compose project, from top to bottom, as printed', () => {
  const isEnd = ({ script }: { script: string }) => script.includes('docker compose down -v');
  const steps = stepsOf('runbook', 'sql', 'ini');

  it.each(steps.filter((step) => !isEnd(step)))('$where', async (step) => {
    for (const [word, before] of Object.entries(BEFORE)) if (step.script.includes(word)) await before();
    if (step.language === 'ini') appendFileSync(join(stack.folder, '.env'), step.script);
    else if (step.language === 'sql') await asRoot(step.script);
    else await take(stack, step, { own: await own(step.script), secret: ROOT_PASSWORD });
  });

  it('the rows are there at the end', async () => {
    expect(await asRoot('SELECT COUNT(*), MAX(id) FROM orders_tracker.orders')).toBe('41\t4711');
  });

  it.each(steps.filter(isEnd))('$where, the end of it all', async (step) => {
    await take(stack, step);
  });
});
