import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAgent, type Started, type TestAgent } from '../../helpers/agent.ts';
import { mariadb } from '../../helpers/engines.ts';
import { expectNextGood, expectRefusal } from '../../helpers/faults.ts';
import type { TestServer } from '../../helpers/server.ts';
import { startTap, type Tap } from '../../helpers/tap.ts';
import { until } from '../../helpers/until.ts';

/*
 * Two servers that were both left at the default host name, with one repository and a database each. Promised is
 * (docs/architecture.md, Locks): a lock is ours only if we started its restic, so neither removes one of the other, alive
 * or dead; and what a run left is known by source and ledger, so neither forgets a snapshot of the other.
 */

let server: TestServer;
beforeAll(async () => {
  server = await mariadb.start();
});
afterAll(() => server.stop());

interface Pair {
  first: TestAgent;
  /** On the way to the first one's database. */
  tap: Tap;
  second: TestAgent;
}

async function twoServers(): Promise<Pair> {
  const tap = await startTap(server, mariadb.asksForOrders);
  const first = await testAgent((await mariadb.createShop(server, 30_000, tap.port)).environment);
  const { environment } = await mariadb.createShop(server, 100);
  const { RESTIC_REPOSITORY = '' } = first.environment;
  const second = await testAgent({ ...environment, RESTIC_REPOSITORY });
  await expectNextGood(first);
  await expectNextGood(second);
  return { first, tap, second };
}

/** A backup of the first server that stands in the middle of its dump, with its lock in the repository; the restic of its proof may soon have another. */
async function standingBackup({ first, tap }: Pair): Promise<Started & { lock: string }> {
  tap.holdAt(1_000_000);
  const started = first.start(['backup']);
  await until('the dump is met', async () => tap.isHolding());
  const lock = await until('its restic holds a lock', async () => locksOf(first)[0]);
  return { ...started, lock };
}

/** While restic writes one it has another name. */
const locksOf = (agent: TestAgent) =>
  readdirSync(join(agent.folder, 'repository', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));

test('one backs up while the other prunes → the living lock stays, the prune is told to wait, and both go on well', async () => {
  const pair = await twoServers();
  const { first, second } = pair;
  const { ended, lock } = await standingBackup(pair);
  await expectRefusal(second, () => second.run(['prune']), /locked/, 5);
  expect(locksOf(first)).toContain(lock);
  pair.tap.letGo();
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/backup of \S+: stored/);
  expect(code).toBe(0);
  await expectNextGood(second);
});

test('one is killed in the middle while the other backs up → the dead lock is removed by its owner alone, and no snapshot of the other with it', async () => {
  const pair = await twoServers();
  const { first, second } = pair;
  const { child, ended, lock } = await standingBackup(pair);
  const [snapshots, lastOk] = [first.snapshots(), first.lastOk()];
  // It shares the repository, and its retention, which cannot, says so.
  const beside = await second.run(['backup']);
  expect(beside.stderr).toMatch(/backup of \S+: stored[\s\S]*retention failed: .*locked/);
  expect(beside.code).toBe(3);
  const stored = second.snapshots().filter((id) => !snapshots.includes(id));
  expect(stored, 'its dump, and the proof of it').toHaveLength(2);

  child.kill('SIGKILL');
  expect((await ended).code).not.toBe(0);
  expect(first.lastOk()).toBe(lastOk);
  pair.tap.letGo();
  await expectRefusal(second, () => second.run(['prune']), /locked/, 5);
  expect(locksOf(first)).toContain(lock);

  const next = await first.run(['backup']);
  expect(next.stderr).toMatch(/was interrupted: the agent died[\s\S]*removed \d dead locks? [\s\S]*: stored/);
  expect(next.code).toBe(0);
  expect(locksOf(first)).toEqual([]);
  expect(first.snapshots()).toEqual(expect.arrayContaining([...snapshots, ...stored]));
  await expectNextGood(second);
});

test('both have a source of one name → each is told by the other’s dumps, in its next backup and by the doctor', async () => {
  const shop = await mariadb.createShop(server, 100);
  const first = await testAgent(shop.environment);
  const { RESTIC_REPOSITORY = '' } = first.environment;
  const second = await testAgent({ ...shop.environment, RESTIC_REPOSITORY });
  await expectNextGood(first);
  await expectNextGood(second);
  const { code, stderr } = await first.run(['backup']);
  expect(stderr).toMatch(
    /backup of \S+: stored[\s\S]*1 dump is in the repository under the names .*HOLDFAST_HOST/,
  );
  expect(code).toBe(3);
  const doctor = await first.run(['doctor']);
  expect(doctor.stdout).toMatch(/warning +snapshots: 1 dump is in the repository under the names/);
});

test('the newest dump is the other’s → what is verified is one’s own, and a restore tells what it takes and how to take the other', async () => {
  const shop = await mariadb.createShop(server, 100);
  const first = await testAgent(shop.environment);
  const { RESTIC_REPOSITORY = '' } = first.environment;
  const second = await testAgent({ ...shop.environment, RESTIC_REPOSITORY });
  await expectNextGood(first);
  await expectNextGood(second);
  const [ours, theirs] = (await first.dumps()).map((id) => id.slice(0, 8));
  const verified = await first.run(['verify']);
  expect(verified.stderr).toMatch(new RegExp(`restored ${ours} of .*; proved`));
  expect(verified.stderr).toMatch(new RegExp(`the newest: ${theirs} .* verified is ${ours}`));
  expect(verified.code).toBe(3);
  const restored = await first.run(['restore', shop.database, '--output', '-']);
  expect(restored.stderr).toMatch(
    new RegExp(`${theirs} of .* is none that this agent stored.*--snapshot ${ours}`),
  );
  expect(restored.code).toBe(3);
  const own = await first.run(['restore', shop.database, '--output', '-', '--snapshot', ours!]);
  expect(own.stderr).not.toMatch(/none that this agent stored/);
  expect(own.code).toBe(0);
});
