import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { haltedRestic, testAgent, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** Without what restic was writing when it was killed, `ID-tmp-…`: for restic that is no lock, it is none until it is renamed. */
const locks = (agent: TestAgent) =>
  readdirSync(join(agent.folder, 'repository', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));

test('SIGTERM in the middle of a dump → interrupted, no snapshot, no lock, nothing of it left running, the next run is good', async () => {
  const shop = await createShop(server, 150_000);
  const agent = await testAgent(shop.environment);
  const halted = haltedRestic(agent.folder);
  const { child, ended } = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
  await until('the dump is under way', async () => halted.reached());
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/interrupted.*told to stop/);
  expect(code).toBe(1);
  expect(agent.snapshots()).toEqual([]);
  expect(locks(agent)).toEqual([]);
  expect(agent.lastOk()).toBeNull();
  expect(await agent.lastRun()).toMatchObject({ job: 'backup', result: 'interrupted' });
  expect(readdirSync(join(agent.folder, 'state'))).not.toContain('spool');
  await until('no client of ours is left on the server', async () => {
    const rows = await server.sql(
      `SELECT id FROM information_schema.processlist WHERE db = '${shop.database}'`,
    );
    return rows.length === 0;
  });
  expect((await agent.run(['backup'])).code).toBe(0);
});

test('the daemon gets SIGTERM while a dump runs → it ends cleanly within the grace of a container', async () => {
  const shop = await createShop(server, 150_000);
  const agent = await testAgent(shop.environment);
  const halted = haltedRestic(agent.folder);
  const daemon = agent.start(['run'], { HOLDFAST_RESTIC: halted.path, BACKUP_CRON: '* * * * * *' });
  await until('the dump is under way', async () => halted.reached());
  daemon.child.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/"msg":"stopped"/);
  expect(agent.snapshots()).toEqual([]);
  expect(locks(agent)).toEqual([]);
  expect(await agent.lastRun()).toMatchObject({ result: 'interrupted' });
});

test('two backups at once → the second is busy with exit 5 and says with what; the first is good', async () => {
  const shop = await createShop(server, 150_000);
  const agent = await testAgent(shop.environment);
  const halted = haltedRestic(agent.folder);
  const first = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
  await until('the dump is under way', async () => halted.reached());
  const second = await agent.run(['backup']);
  expect(second.stderr).toMatch(new RegExp(`another run holds the lock: backup of ${shop.database}`));
  expect(second.code).toBe(5);
  halted.letGo();
  expect((await first.ended).code).toBe(0);
  expect(agent.snapshots(), 'the dump and its proof').toHaveLength(2);
});

test('the agent is killed at twenty random moments of a whole run → each time no snapshot that counts; the next start says so, cleans up and goes on; what is left restores', async () => {
  const seed = Number(process.env['TEST_SEED'] ?? randomInt(2 ** 31));
  onTestFailed(() => console.error(`the moments were those of TEST_SEED=${seed}`));
  const random = randomOf(seed);
  const shop = await createShop(server, ROWS);
  // A retention that forgets and prunes in each run: it is to be met as well.
  const agent = await testAgent(
    { ...shop.environment, BACKUP_KEEP_WITHIN: '0', BACKUP_CHECK_INTERVAL: '0' },
    'slow',
  );
  expect((await agent.run(['backup'])).code).toBe(0);
  const started = performance.now();
  expect((await agent.run(['backup'])).code).toBe(0);
  const wholeMs = performance.now() - started;

  for (let round = 0; round < 20; round += 1) {
    const lastOk = agent.lastOk();
    const { child, ended } = agent.start(['backup']);
    // Not a wait for something: the moment of the fault. One in each twentieth of the run, from its first to its last.
    await delay((wholeMs * (round + random())) / 20);
    child.kill('SIGKILL');
    const { code } = await ended;
    await until('restic died with the agent', async () => !runsOn(join(agent.folder, 'repository')));
    if (code === null)
      expect(agent.lastOk()).toSatisfy((now: string | null) => now === lastOk || isNewer(now, lastOk));
  }
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of \S+: stored/);
  expect(stderr).not.toMatch(/error/);
  expect(code).toBe(0);
  // What is there now was confirmed by a run that ended well, every one of it.
  const history = JSON.parse(
    (await agent.run(['history', '--limit', '200', '--json'])).stdout,
  ) as HistoryRun[];
  const confirmed = history.flatMap((run) =>
    run.result === 'succeeded' ? (run.facts.snapshotIds ?? []) : [],
  );
  expect(agent.snapshots().filter((id) => !confirmed.includes(id))).toEqual([]);
  expect(history.filter((run) => run.result === 'running')).toEqual([]);
  expect(
    history.some((run) => run.result === 'interrupted' && run.reason === 'the agent died while it ran'),
  ).toBe(true);
  expect((await agent.run(['prune'])).code).toBe(0);
  expect(locks(agent)).toEqual([]);
  expect((await agent.run(['check', '--all-data'])).code).toBe(0);
  const dumps = await agent.dumps();
  expect(dumps).not.toEqual([]);
  for (const id of dumps) {
    const restored = await agent.run(['restore', shop.database, '--snapshot', id, '--output', '-']);
    expect(restored.code).toBe(0);
    expect(restored.stdout).toContain(`(${ROWS},'Zoë ${ROWS}',`);
    expect(restored.stdout).toMatch(/\n-- Dump completed\s*$/);
  }
}, 300_000);

const ROWS = 40_000;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface HistoryRun {
  result: string;
  reason: string;
  facts: { snapshotIds?: string[] };
}

/** A kill after the run had ended well finds a heartbeat that moved, rightly. */
function isNewer(now: string | null, before: string | null): boolean {
  return now !== null && (before === null || now > before);
}

/** Whether any process has the repository in its environment: restic is told of it in no other way. */
function runsOn(repository: string): boolean {
  try {
    execFileSync('bash', ['-c', `grep -lzs "^RESTIC_REPOSITORY=${repository}$" /proc/[0-9]*/environ`]);
    return true;
  } catch {
    return false;
  }
}
