import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { haltedRestic, testAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { repositoryRoot } from '../../helpers/stack.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

type History = { job: string; trigger: string; result: string; reason: string }[];

test('a first start, then every second → next runs are told, backups come by themselves, and SIGTERM ends it with 0', async () => {
  const agent = await testAgent((await createShop(server, 100)).environment);
  const daemon = agent.start(['run'], { BACKUP_CRON: '* * * * * *', TZ: 'Europe/Rome' });
  await until('the heartbeat moved', async () => agent.lastOk() !== null);
  await until('a second backup came', async () => agent.snapshots().length > 2);
  daemon.child.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/next backup: \d{4}-[^"]+Z, [^"]+Z, [^"]+Z/);
  expect(stderr).toMatch(/"timeZone":"Europe\/Rome"/);
  for (const line of stderr.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  expect(stderr).not.toMatch(/keeper-secret|correct horse/);
});

test.each([
  ['the daemon', ['run'], { BACKUP_CRON: '* * * * * *' }],
  ['a command', ['backup'], {}],
] as const)(
  '%s gets a SIGHUP in the middle of a backup, as `restic unlock` sends one → the backup is good all the same',
  async (_, args, more) => {
    const agent = await testAgent((await createShop(server, 100)).environment);
    const restic = haltedRestic(agent.folder);
    const started = agent.start([...args], { ...more, HOLDFAST_RESTIC: restic.path });
    await until('restic is about to read the dump', async () => restic.reached());
    started.child.kill('SIGHUP');
    restic.letGo();
    await until('the heartbeat moved', async () => agent.lastOk() !== null);
    if (args[0] === 'run') started.child.kill('SIGTERM');
    const { code, stderr } = await started.ended;
    expect(code, stderr).toBe(0);
    expect(await agent.dumps()).not.toEqual([]);
    expect((await agent.run(['verify'])).stderr).toMatch(/proved/);
  },
);

test('a full disk under the log → backups go on', async () => {
  const agent = await testAgent((await createShop(server, 100)).environment);
  const command = [
    '-c',
    'exec "$0" "$@" 2>/dev/full',
    process.execPath,
    join(repositoryRoot, 'agent/main.ts'),
    'run',
  ];
  const daemon = spawn('sh', command, { env: { ...agent.environment, BACKUP_CRON: '* * * * * *' } });
  onTestFinished(() => void daemon.kill('SIGKILL'));
  await until('the heartbeat moved', async () => agent.lastOk() !== null);
  daemon.kill('SIGTERM');
  expect(await once(daemon, 'exit')).toEqual([0, null]);
});

test('a command for another database in the same folders → the heartbeat is left alone, which is told', async () => {
  const other = await createShop(server, 100);
  const agent = await testAgent((await createShop(server, 100)).environment);
  const daemon = agent.start(['run'], { BACKUP_CRON: '* * * * * *' });
  await until('the heartbeat moved', async () => agent.lastOk() !== null);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  const before = agent.lastOk();
  const { code, stderr } = await agent.run(['backup'], other.environment);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/take no notice of this: .* is not configured here/),
  ]);
  expect(agent.lastOk()).toBe(before);
});

test('a command for a database of the same name on another server, in the same folders → refused, and nothing is stored', async () => {
  const { environment } = await createShop(server, 100);
  const agent = await testAgent(environment);
  const daemon = agent.start(['run'], { BACKUP_CRON: '* * * * * *' });
  await until('the heartbeat moved', async () => agent.lastOk() !== null);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  const stored = agent.snapshots();
  const { code, stderr } = await agent.run(['backup'], { MYSQL_HOST: 'staging.example' });
  expect(stderr).toMatch(
    /is mysql:\/\/staging\.example:\d+\/shop\d+ here, and the daemon's shop\d+ is mysql:\/\/localhost:\d+\/shop\d+: .*\nhint: Name this one otherwise/,
  );
  expect(code).toBe(2);
  expect(agent.snapshots()).toEqual(stored);
  expect((await agent.run(['backup'])).code).toBe(0);
});

test('a backup was due while the agent was down → caught up once at the start; a job never seen waits for its time', async () => {
  const agent = await testAgent((await createShop(server, 100)).environment);
  expect((await agent.run(['backup'])).code).toBe(0);
  const first = agent.snapshots().length;
  // Due every minute, and the start waits for a minute that has passed since.
  const schedule = { BACKUP_CRON: '* * * * * *', VERIFY_CRON: '0 0 1 1 *' };
  const daemon = agent.start(['run'], schedule);
  await until('it was caught up', async () => agent.snapshots().length > first);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  const history = JSON.parse((await agent.run(['history', '--json'])).stdout) as History;
  expect(history.filter(({ job, trigger }) => job === 'backup' && trigger === 'catch-up')).toHaveLength(1);
  expect(history.filter(({ job }) => job === 'verify')).toEqual([]);
});

test('the last one that was due was skipped, and the agent starts again → made up for: a skipped run is no run', async () => {
  const shop = await createShop(server, 100);
  const agent = await testAgent(shop.environment);
  const due = { job: 'backup', source: shop.database, trigger: 'schedule' } as const;
  const ledger = (now: Date) =>
    openLedger(join(agent.environment['HOLDFAST_STATE_DIR'] ?? '', 'ledger.db'), { now: () => now });
  const before = ledger(new Date(Date.now() - 3 * 86_400_000));
  before.finish(before.begin(due), { result: 'succeeded', reason: 'stored' });
  before.close();
  const lately = ledger(new Date());
  lately.skip(due, { reason: 'waited 30 min: another run holds the lock' });
  lately.close();

  const daemon = agent.start(['run'], { BACKUP_CRON: '0 3 * * *', VERIFY_CRON: '0 0 1 1 *' });
  await until('it was made up for', async () => agent.snapshots().length > 0);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  expect((await agent.run(['history'])).stdout).toMatch(/skipped.*waited 30 min/);
});

test('no password given → one is generated for its owner alone, nagged about until it is confirmed', async () => {
  const agent = await testAgent((await createShop(server, 10)).environment);
  const environment = { RESTIC_PASSWORD: '', RESTIC_REPOSITORY: join(agent.folder, 'own') };
  const first = await agent.run(['backup'], environment);
  expect(first.code).toBe(0);
  expect(first.stderr).toMatch(/generated and lies only in \S+restic-password[\s\S]*init --password-stored/);
  expect(existsSync(join(agent.folder, 'own', 'config'))).toBe(true);
  expect((await agent.run(['init', '--password-stored'], environment)).code).toBe(0);
  expect((await agent.run(['backup'], environment)).stderr).not.toMatch(/generated/);
});
