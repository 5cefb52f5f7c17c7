import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startSentinel } from '../../../scripts/loopback/sentinel.ts';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { expectRefusal } from '../../helpers/faults.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { shiftedClock } from '../../helpers/shifted-clock.ts';
import { createShop } from '../../helpers/shop.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

/** An agent on a clock of its own, and what a sentinel on the right one makes of its heartbeat. */
async function agentWithClock() {
  const clock = shiftedClock();
  const { environment } = await createShop(server, 100);
  const agent = await testAgent({ ...environment, ...clock.environment });
  const heartbeatPath = join(agent.environment['HOLDFAST_STATUS_DIR'] ?? '', 'last_ok');
  const sentinel = await startSentinel({ heartbeatPath, stateFolder: join(agent.folder, 'sentinel') });
  onTestFinished(() => sentinel.stop());
  const untilGateSays = (reason: string) =>
    until(`the gate says ${reason}`, async () => {
      const answer = await fetch(`http://${sentinel.address}/ok`);
      return answer.headers.get('x-gate-reason') === reason && answer.status;
    });
  return { clock, agent, untilGateSays };
}

/** A good backup at a time; returns what it stored. */
async function backUpAt(
  { clock, agent }: { clock: ReturnType<typeof shiftedClock>; agent: TestAgent },
  time: Date,
): Promise<string[]> {
  const before = agent.snapshots();
  clock.setTo(time);
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of \S+: stored/);
  expect(stderr).not.toMatch(/error|warning/);
  expect(code).toBe(0);
  // As old as its data, and never of a time that has not come.
  const lastOk = Date.parse(agent.lastOk()?.trim() ?? '');
  expect(lastOk).toBeGreaterThan(time.getTime() - 1_000);
  expect(lastOk).toBeLessThanOrEqual(clock.now().getTime());
  expect(agent.snapshots()).toEqual(expect.arrayContaining(before));
  return agent.snapshots().filter((id) => !before.includes(id));
}

test('the clock was a year ahead for one backup → the sentinel refuses that heartbeat, a failed run does not mend it, the next good one does; no snapshot of before is lost', async () => {
  const world = await agentWithClock();
  const before = await backUpAt(world, inDays(-3));
  const ahead = await backUpAt(world, inDays(365));
  expect(await world.untilGateSays('future_timestamp')).toBe(503);

  world.clock.setTo(inDays(0));
  const failing = () => world.agent.run(['backup'], { MYSQL_PASSWORD: 'wrong-password' });
  await expectRefusal(world.agent, failing, /refuses/);
  expect(await world.untilGateSays('future_timestamp')).toBe(503);

  const after = await backUpAt(world, inDays(0));
  expect(await world.untilGateSays('fresh')).toBe(200);
  expect(world.agent.snapshots()).toEqual([...before, ...ahead, ...after].toSorted());

  // "The newest" is the one that ran last, and whoever asks is told of the other.
  const database = world.agent.environment['MYSQL_DATABASE'] ?? '';
  const restore = await world.agent.run(['restore', database, '--to', `${database}_then`, '--dry-run']);
  const chosen = /would restore ([0-9a-f]{8}) of/.exec(restore.stderr)?.[1] ?? 'none';
  expect(after.filter((id) => id.startsWith(chosen))).toHaveLength(1);
  expect(restore.stderr).toMatch(/bears the later time .* the ledger knows [0-9a-f]{8} as the newest/);
  expect(restore.code).toBe(3);
  const doctor = await world.agent.run(['doctor']);
  expect(doctor.stdout).toMatch(/warning +snapshots: 2 snapshots with a time that has not come yet/);
  expect(doctor.code).toBe(3);
});

test('the clock was set back by a month → what was stored before, and lies in its future now, stays; the heartbeat is as old as that clock says, until it is right again', async () => {
  const world = await agentWithClock();
  const before = await backUpAt(world, inDays(0));
  expect(await world.untilGateSays('fresh')).toBe(200);

  world.clock.setTo(inDays(-30));
  const failing = () => world.agent.run(['backup'], { MYSQL_PASSWORD: 'wrong-password' });
  await expectRefusal(world.agent, failing, /refuses/);
  const behind = await backUpAt(world, inDays(-30));
  expect(await world.untilGateSays('stale')).toBe(503);
  expect(world.agent.snapshots()).toEqual([...before, ...behind].toSorted());

  await backUpAt(world, inDays(0));
  expect(await world.untilGateSays('fresh')).toBe(200);
  expect(world.agent.snapshots()).toEqual(expect.arrayContaining(behind));
});

test('a daemon whose clock is set back over a run that it has had → no second one; set forward over one that it has not → one', async () => {
  const { clock, agent } = await agentWithClock();
  const night = (time: string) => new Date(`2027-03-0${time}Z`);
  clock.setTo(night('1T12:00:00'));
  // The verification is there for its tick: the daemon looks at its clock whenever anything is due.
  const schedule = { BACKUP_CRON: '0 3 * * *', VERIFY_CRON: '* * * * * *' };
  const daemon = agent.start(['run'], schedule);
  let told = '';
  daemon.child.stderr.on('data', (text: string) => (told += text));
  await until('it goes by its schedule', async () => told.includes('next verify: '));
  expect(agent.snapshots()).toEqual([]);

  const history = async () =>
    JSON.parse((await agent.run(['history', '--limit', '500', '--json'])).stdout) as HistoryRun[];
  const backups = async () => (await history()).filter(({ job }) => job === 'backup');

  clock.setTo(night('2T02:59:58'));
  await until('the backup of the night', async () => agent.lastOk() !== null);
  expect(agent.lastOk()).toMatch(/^2027-03-02T03:00:/);

  const newest = (await history())[0]!.id;
  clock.setTo(night('2T02:59:58'));
  await until('it has looked at its clock after three', async () => {
    const looks = (await history()).filter(
      ({ id, job, startedAt }) => id > newest && job === 'verify' && startedAt > '2027-03-02T03:00:00Z',
    );
    return looks.length >= 2;
  });
  expect(await backups()).toHaveLength(1);

  clock.setTo(night('3T09:00:00'));
  await until('the backup of the next night', async () => agent.lastOk()?.startsWith('2027-03-03T09:'));
  daemon.child.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect((await backups()).map(({ result, trigger }) => [result, trigger])).toEqual([
    ['succeeded', 'schedule'],
    ['succeeded', 'schedule'],
  ]);
  const status = readFileSync(join(agent.environment['HOLDFAST_STATUS_DIR'] ?? '', 'status.json'), 'utf8');
  expect((JSON.parse(status) as { writtenAt: string }).writtenAt >= '2027-03-03T09:00:00Z').toBe(true);
});

interface HistoryRun {
  id: number;
  job: string;
  trigger: string;
  result: string;
  startedAt: string;
}
