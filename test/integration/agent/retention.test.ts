import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';

/** A source that nobody asks: retention needs its name alone. */
const SHOP = { MYSQL_HOST: '127.0.0.1', MYSQL_DATABASE: 'shop', MYSQL_USER: 'u', MYSQL_PASSWORD: 'secret' };

/** An agent whose repository holds snapshots of these times, as its own backups would have left them. */
async function agentWithSnapshots(times: string[]): Promise<TestAgent> {
  const agent = await testAgent(SHOP);
  for (const time of times) {
    const tags = ['--host', 'holdfast', '--tag', 'source=shop,engine=mysql,kind=dump'];
    const what = [
      'backup',
      '--quiet',
      '--stdin',
      '--stdin-filename',
      '/mysql/shop.sql',
      '--time',
      time,
      ...tags,
    ];
    execFileSync('restic', what, { env: { ...agent.environment, TZ: 'UTC' }, input: `dump of ${time}` });
  }
  return agent;
}

/** restic keeps the very first one for as long as the counts are not used up, so it stands alone here. */
const TIMES = [
  '2024-12-15 03:00:00',
  '2025-01-01 03:00:00',
  '2025-01-01 15:00:00',
  '2025-03-01 09:00:00',
  '2025-03-01 12:00:00',
];

/** The times of the snapshots that a table or a list names. */
const timesIn = (text: string) =>
  [...text.matchAll(/20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d/g)].map(([time]) => time);

test('two backups on one day → both are kept for two days; of an older day the newest, and what goes is named before and after', async () => {
  const agent = await agentWithSnapshots(TIMES);
  const preview = await agent.run(['prune', '--dry-run']);
  expect(preview.stderr).toMatch(/retention: would remove 1 of 5 snapshots, kept 4/);
  expect(preview.stdout).toMatch(
    /^ID +TIME \(UTC\) +SOURCE +PATH\n[0-9a-f]{8} +2025-01-01T03:00:00Z +shop +\/mysql\/shop\.sql\n$/,
  );
  expect(agent.snapshots()).toHaveLength(5);

  const pruned = await agent.run(['prune']);
  expect(pruned.stdout).toBe(preview.stdout);
  expect(pruned.code).toBe(0);
  expect(timesIn((await agent.run(['snapshots'])).stdout)).toEqual([
    '2024-12-15T03:00:00',
    '2025-01-01T15:00:00',
    '2025-03-01T09:00:00',
    '2025-03-01T12:00:00',
  ]);
  const [last] = JSON.parse((await agent.run(['history', '--json', '--limit', '1'])).stdout) as {
    facts: object;
  }[];
  expect(last?.facts).toMatchObject({ removed: [{ source: 'shop', time: '2025-01-01T03:00:00.000Z' }] });

  const again = await agent.run(['prune']);
  expect(again).toMatchObject({ stdout: '', code: 0 });
});

test('the floor of the last days is taken away → one snapshot a day, as the four counts say', async () => {
  const agent = await agentWithSnapshots(TIMES);
  const { stdout } = await agent.run(['prune', '--dry-run'], { BACKUP_KEEP_WITHIN: '0' });
  expect(timesIn(stdout)).toEqual(['2025-01-01T03:00:00', '2025-03-01T09:00:00']);
});

test('retention is switched off → prune refuses and removes nothing; a dry run still says what would go', async () => {
  const agent = await agentWithSnapshots(TIMES);
  const refused = await agent.run(['prune'], { BACKUP_RETENTION: 'off' });
  expect(refused.stderr).toMatch(/retention is switched off[\s\S]*BACKUP_RETENTION/);
  expect(refused.code).toBe(2);
  expect(agent.snapshots()).toHaveLength(5);
  const dry = await agent.run(['prune', '--dry-run'], { BACKUP_RETENTION: 'off' });
  expect(timesIn(dry.stdout)).toEqual(['2025-01-01T03:00:00']);
});

test('what belongs to no tenant beside backups of everything → each kind is counted by itself, and the newest of each stays', async () => {
  const agent = await testAgent({
    DATABASE_URL: 'postgresql://u:secret@127.0.0.1:1/clinic',
    TENANT_SCHEMAS: 'tenant_*',
    BACKUP_KEEP_DAILY: '2',
    BACKUP_KEEP_WEEKLY: '0',
    BACKUP_KEEP_MONTHLY: '0',
    BACKUP_KEEP_YEARLY: '0',
    BACKUP_KEEP_WITHIN: '0',
  });
  const store = (kind: string, time: string) => {
    const tags = ['--host', 'holdfast', '--tag', `source=clinic,engine=postgres,kind=${kind}`];
    const file = ['--stdin', '--stdin-filename', `/postgres/clinic.${kind}`, '--time', time];
    const env = { ...agent.environment, TZ: 'UTC' };
    execFileSync('restic', ['backup', '--quiet', ...file, ...tags], { env, input: `${kind} of ${time}` });
  };
  // Of everything each night; of no tenant twice a day, and not since the third.
  for (const day of ['01', '02', '03']) {
    for (const hour of ['02', '14'])
      for (const kind of ['global-roles', 'global']) store(kind, `2025-01-${day} ${hour}:00:00`);
  }
  for (const day of ['01', '02', '03', '04', '05', '06']) store('dump', `2025-01-${day} 03:00:00`);
  const pruned = await agent.run(['prune']);
  expect(pruned.code, pruned.stderr).toBe(0);
  const left = JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as {
    time: string;
    tags: { kind: string };
  }[];
  const kept = (wanted: string) =>
    left.filter(({ tags }) => tags.kind === wanted).map(({ time }) => time.slice(0, 13));
  expect(kept('dump')).toEqual(['2025-01-05T03', '2025-01-06T03']);
  for (const kind of ['global', 'global-roles'])
    expect(kept(kind)).toEqual(['2025-01-02T14', '2025-01-03T14']);
});
