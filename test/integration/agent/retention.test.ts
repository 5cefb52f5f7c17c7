import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

/** An agent whose first retention has seen six snapshots, and whose next one, without the floor of the last days, has two of them to remove. */
async function withOneHidden() {
  const agent = await agentWithSnapshots([...TIMES, '2025-02-01 03:00:00']);
  expect((await agent.run(['prune'], { BACKUP_KEEP_WITHIN: '3y' })).code).toBe(0);
  expect(agent.snapshots()).toHaveLength(6);
  const repository = join(agent.folder, 'repository');
  const packs = () =>
    readdirSync(join(repository, 'data'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /[0-9a-f]{64}$/.test(name),
    );
  const listed = JSON.parse((await agent.run(['snapshots', '--json'])).stdout) as {
    id: string;
    time: string;
  }[];
  const { id } = listed.find(({ time }) => time.startsWith('2025-02-01'))!;
  const [file, away] = [join(repository, 'snapshots', id), join(agent.folder, 'away')];
  const prune = (...more: string[]) => agent.run(['prune', ...more], { BACKUP_KEEP_WITHIN: '0' });
  const told = new RegExp(
    `warning: retention: nothing was pruned: the list lacks 1 snapshot \\(${id.slice(0, 8)} of shop, 2025-02-01T03:00:00Z\\) .*--accept-missing`,
  );
  renameSync(file, away);
  return { agent, id, packs, prune, told, back: () => renameSync(away, file), forGood: () => rmSync(away) };
}

test('the list hides a snapshot → old ones are forgotten, no data goes, and it is named; once it is back, the next retention prunes, and it restores', async () => {
  const { agent, id, packs, prune, told, back } = await withOneHidden();
  const before = packs();
  const short = await prune();
  expect(short.stderr).toMatch(told);
  expect(short.code).toBe(3);
  expect(timesIn(short.stdout)).toEqual(['2025-01-01T03:00:00', '2025-03-01T09:00:00']);
  expect(packs()).toEqual(before);
  expect((await agent.run(['status'])).stdout).toMatch(told);
  const again = await prune();
  expect(again.stderr).toMatch(told);
  expect(packs()).toEqual(before);

  back();
  const { stderr, code } = await prune();
  expect(stderr).toMatch(/retention: removed 0 of 4 snapshots, kept 4; freed/);
  expect(code).toBe(0);
  expect(packs().length).toBeLessThan(before.length);
  const restored = execFileSync('restic', ['dump', id, '/mysql/shop.sql'], { env: agent.environment });
  expect(restored.toString()).toBe('dump of 2025-02-01 03:00:00');
  execFileSync('restic', ['check', '--read-data', '--quiet'], { env: agent.environment });
});

test('a snapshot is gone for good → nothing is pruned until a person accepts it, and then it is over', async () => {
  const { packs, prune, told, forGood } = await withOneHidden();
  forGood();
  const before = packs();
  expect((await prune()).stderr).toMatch(told);
  expect(packs()).toEqual(before);
  const accepted = await prune('--accept-missing');
  expect(accepted.stderr).toMatch(/retention: removed 0 of 3 .*accepted the loss of 1 snapshot .*; freed/);
  expect(accepted.code).toBe(0);
  expect(packs().length).toBeLessThan(before.length);
  expect(await prune()).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/warning/) as string });
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
