import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderPage } from '../../../sentinel/page/page.ts';
import { readStatus } from '../../../sentinel/status.ts';
import { testAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { factsOf } from '../../helpers/page-states.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

test('two backups, a check, a verification and a failure → the page shows what the agent left', async () => {
  const shop = await createShop(server, 200);
  await server.sql(`GRANT ALL ON ${shop.database}.* TO ${shop.environment['MYSQL_USER']}@'%'`);
  const agent = await testAgent({ ...shop.environment, TZ: 'Europe/Rome' });
  const look = () => {
    const status = readStatus(join(agent.folder, 'status', 'status.json'));
    if (!status.known) throw new Error(status.problem);
    return status.status;
  };
  for (const command of ['backup', 'backup', 'check', 'verify']) {
    expect((await agent.run([command])).code, command).toBe(0);
  }
  const good = look();
  expect(good).toMatchObject({
    timeZone: 'Europe/Rome',
    sources: [
      {
        engine: 'mariadb',
        rhythm: { everySeconds: 12 * 3600, overdueAfterSeconds: 15 * 3600 },
        verification: { lastRun: { result: 'succeeded' } },
      },
    ],
    repository: { snapshots: expect.any(Number) as number },
  });
  const [source] = good.sources;
  expect(source?.sizes).toHaveLength(2);
  expect(new Set(source?.days)).toEqual(new Set(['idle', 'good']));
  expect(good.repository?.sizes[0]?.bytes).toBeGreaterThan(1000);
  expect(good.repository?.addedBytes).toBeGreaterThan(1000);
  expect(good.runs.map(({ job, result }) => `${job} ${result}`)).toEqual([
    'verify succeeded',
    'check succeeded',
    'retention succeeded',
    'backup succeeded',
    'retention succeeded',
    'backup succeeded',
  ]);

  expect((await agent.run(['backup'], { MYSQL_PASSWORD: 'wrong' })).code).toBe(1);
  const failed = look();
  expect(failed.sources[0]).toMatchObject({
    lastSuccess: source?.lastSuccess,
    lastRun: { result: 'failed', hint: expect.any(String) as string },
  });
  const now = new Date(failed.writtenAt);
  const facts = factsOf({ status: failed });
  const page = renderPage({ ...facts, verdict: { ...facts.verdict, judgedAt: now } });
  expect(page).toContain(`The last backup of ${shop.database} failed.`);
  // Two entries where the test ran across midnight.
  expect(page).toMatch(/Last 30 days: (1 with problems|\d good, 1 failed)\./);
});
