import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { expectNextGood, expectRefusal } from '../../helpers/faults.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** An agent that has one good backup behind it. */
async function agentWithBackup(
  rows = 2_000,
  more: Record<string, string> = {},
): Promise<TestAgent & { database: string }> {
  const shop = await createShop(server, rows);
  const agent = await testAgent({ ...shop.environment, ...more });
  await expectNextGood(agent);
  return { ...agent, database: shop.database };
}

describe('the repository', () => {
  test('wrong password → says that it does not open it, before the database is touched', async () => {
    const agent = await agentWithBackup();
    const attempt = () => agent.run(['backup'], { RESTIC_PASSWORD: 'another one', MYSQL_PORT: '1' });
    await expectRefusal(agent, attempt, /password does not open the repository/);
    await expectNextGood(agent);
  });

  test('gone, as with a volume that is not mounted → an error and never a new empty repository', async () => {
    const agent = await agentWithBackup();
    const repository = join(agent.folder, 'repository');
    const lastOk = agent.lastOk();
    renameSync(repository, `${repository}.away`);
    mkdirSync(repository);
    const { code, stderr } = await agent.run(['backup']);
    expect(stderr).toMatch(/was there before and is gone[\s\S]*holdfast init --new/);
    expect(code).toBe(1);
    expect(agent.lastOk()).toBe(lastOk);
    rmSync(repository, { recursive: true });
    renameSync(`${repository}.away`, repository);
    await expectNextGood(agent);
  });

  test('another location where there is none, as with a mistyped path → an error and never a new empty repository, until a new one is asked for', async () => {
    const agent = await agentWithBackup();
    const elsewhere = { RESTIC_REPOSITORY: join(agent.folder, 'elsewhere') };
    await expectRefusal(
      agent,
      () => agent.run(['backup'], elsewhere),
      /there is no repository at \S+elsewhere; until now backups went to \S+repository[\s\S]*holdfast init --new/,
    );
    const doctor = await agent.run(['doctor'], elsewhere);
    expect(doctor.stdout).toMatch(/FAILED +repository: there is no repository at/);
    expect(doctor.code).toBe(1);
    expect(existsSync(elsewhere.RESTIC_REPOSITORY)).toBe(false);

    expect((await agent.run(['init', '--new'], elsewhere)).stdout).toMatch(/created repository/);
    expect((await agent.run(['backup'], elsewhere)).code).toBe(0);
    await expectNextGood(agent);
  });

  test('moved to another location → goes on there', async () => {
    const agent = await agentWithBackup();
    const moved = join(agent.folder, 'moved');
    renameSync(join(agent.folder, 'repository'), moved);
    const { code, stderr } = await agent.run(['backup'], { RESTIC_REPOSITORY: moved });
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);
  });

  test('another location with a repository of somebody else → refused until it is accepted', async () => {
    const agent = await agentWithBackup();
    const other = await testAgent({});
    // One of its own: the empty repository of each test's agent is a copy of the same.
    const there = { RESTIC_REPOSITORY: join(other.folder, 'own') };
    execFileSync('restic', ['init'], { env: { ...other.environment, ...there } });
    await expectRefusal(
      agent,
      () => agent.run(['backup'], there),
      /is another one than the one at \S+, where backups went until now/,
    );
    expect((await agent.run(['init', '--new'], there)).stdout).toMatch(/found repository/);
    expect((await agent.run(['backup'], there)).code).toBe(0);
  });

  test('another repository in its place → refused until it is accepted', async () => {
    const agent = await agentWithBackup();
    const other = await testAgent({});
    const repository = join(agent.folder, 'repository');
    rmSync(repository, { recursive: true });
    execFileSync('restic', ['init', '--repo', repository], {
      env: { ...other.environment, RESTIC_REPOSITORY: repository },
    });
    await expectRefusal(agent, () => agent.run(['backup']), /is another one than before/);
    expect((await agent.run(['init', '--new'])).code).toBe(0);
    await expectNextGood(agent);
  });

  test('does not answer → told within the limit, before the database is touched', async () => {
    const agent = await agentWithBackup();
    const attempt = () =>
      agent.run(['backup'], {
        RESTIC_REPOSITORY: 's3:http://127.0.0.1:1/bucket',
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: 'the-secret-key',
        HOLDFAST_ANSWER_TIMEOUT: '3',
        MYSQL_PORT: '1',
      });
    await expectRefusal(agent, attempt, /does not answer/);
    await expectNextGood(agent);
  });

  test('full → says so, and good again when there is space', async () => {
    const agent = await agentWithBackup(60_000);
    const repository = join(agent.folder, 'repository');
    renameSync(repository, `${repository}.before`);
    mkdirSync(repository);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', repository]);
    onTestFinished(() => void execFileSync('umount', ['-l', repository]));
    cpSync(`${repository}.before`, repository, { recursive: true });
    await server.sql(`UPDATE orders SET note = REPEAT(SHA2(CONCAT(id, RAND()), 512), 2)`, agent.database);
    await expectRefusal(agent, () => agent.run(['backup']), /no space is left for the repository/);
    execFileSync('mount', ['-o', 'remount,size=64m', repository]);
    await expectNextGood(agent);
  });

  test('locked by another machine → waited for, then exit 5; free again → good', async () => {
    const agent = await agentWithBackup();
    const lock = execFileSync('bash', ['-c', foreignLock], { env: agent.environment }).toString().trim();
    expect(lock).toMatch(/^[0-9a-f]{64}$/);
    await expectRefusal(agent, () => agent.run(['prune']), /locked/, 5);
    // A backup needs no exclusive lock and goes on; the retention after it does, and tells.
    const backup = await agent.run(['backup']);
    expect(backup.stderr).toMatch(/backup of \S+: stored[\s\S]*retention failed: .*locked/);
    expect(backup.code).toBe(3);
    rmSync(join(agent.folder, 'repository', 'locks', lock));
    await expectNextGood(agent);
  });

  test('locked by a prune of another machine → a backup waits for it, then exit 5; free again → good', async () => {
    const agent = await agentWithBackup();
    const lock = execFileSync('bash', ['-c', foreignPrune], { env: agent.environment }).toString().trim();
    await expectRefusal(agent, () => agent.run(['backup']), /locked/, 5);
    rmSync(join(agent.folder, 'repository', 'locks', lock));
    await expectNextGood(agent);
  });
});

/** A restic on a machine of another name, killed while it holds a lock. */
const foreignLock = `
  unshare --uts bash -c 'hostname elsewhere; (sleep 600) | exec restic backup --stdin --host elsewhere >/dev/null 2>&1' &
  until lock=$(ls "$RESTIC_REPOSITORY/locks" | grep -xE '[0-9a-f]{64}'); do sleep 0.05; done
  pkill -9 -P $! restic; pkill -9 -P $! sleep; kill -9 $!
  echo "$lock"`;

/** A prune on a machine of another name, killed while it holds the repository alone. */
const foreignPrune = `
  unshare --uts bash -c 'hostname elsewhere
    find_lock() { ls "$RESTIC_REPOSITORY/locks" | grep -xE "[0-9a-f]{64}"; }
    until find_lock; do
      restic prune >/dev/null 2>&1 & prune=$!
      while kill -0 $prune 2>/dev/null && [ -z "$(find_lock)" ]; do :; done
      kill -9 $prune 2>/dev/null; wait $prune 2>/dev/null
    done; true'`;

test('the status folder cannot be written → the backup is good, and the command warns that its heartbeat is not there', async () => {
  const { environment } = await createShop(server, 10);
  const agent = await testAgent(environment);
  const { code, stderr } = await agent.run(['backup'], {
    HOLDFAST_STATUS_DIR: join(agent.folder, 'state', 'ledger.db'),
  });
  expect(stderr).toMatch(/backup of \S+: stored[\s\S]*warning: the status folder \S+ cannot be written/);
  expect(code).toBe(3);
});
