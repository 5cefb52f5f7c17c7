import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent, type TestAgent } from '../../helpers/agent.ts';
import { expectNextGood } from '../../helpers/faults.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** An agent that has one good backup behind it. */
async function agentWithBackup(): Promise<TestAgent> {
  const agent = await testAgent((await createShop(server, 100)).environment);
  await expectNextGood(agent);
  return agent;
}

describe('the repository', () => {
  test('moved to another location → goes on there', async () => {
    const agent = await agentWithBackup();
    const moved = join(agent.folder, 'moved');
    renameSync(join(agent.folder, 'repository'), moved);
    const { code, stderr } = await agent.run(['backup'], { RESTIC_REPOSITORY: moved });
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);
  });

  test('another one, which the faults have refused, is accepted by name → backups go there: a new one, one of somebody else, one in the place of ours', async () => {
    const agent = await agentWithBackup();
    const elsewhere = { RESTIC_REPOSITORY: join(agent.folder, 'elsewhere') };
    expect((await agent.run(['init', '--new'], elsewhere)).stdout).toMatch(/created repository/);
    expect((await agent.run(['backup'], elsewhere)).code).toBe(0);
    await expectNextGood(agent);

    // One of its own: the empty repository of each test's agent is a copy of the same.
    const theirs = { RESTIC_REPOSITORY: join(agent.folder, 'theirs') };
    execFileSync('restic', ['init'], { env: { ...agent.environment, ...theirs } });
    expect((await agent.run(['init', '--new'], theirs)).stdout).toMatch(/found repository/);
    expect((await agent.run(['backup'], theirs)).code).toBe(0);
    await expectNextGood(agent);

    const ours = join(agent.folder, 'repository');
    rmSync(ours, { recursive: true });
    renameSync(theirs.RESTIC_REPOSITORY, ours);
    expect((await agent.run(['init', '--new'])).code).toBe(0);
    await expectNextGood(agent);
  });
});

test('a new repository is accepted in the place of another → the heartbeat is withdrawn until something is stored there', async () => {
  const agent = await agentWithBackup();
  expect((await agent.run(['status', '--check'])).code).toBe(0);
  rmSync(join(agent.folder, 'repository'), { recursive: true });
  expect((await agent.run(['init', '--new'])).code).toBe(0);
  expect(agent.lastOk()).toBeNull();
  const status = await agent.run(['status', '--check']);
  expect(status.stdout).toMatch(/never/);
  expect(status.code).toBe(4);
  await expectNextGood(agent);
  expect((await agent.run(['status', '--check'])).code).toBe(0);
});

test('the status folder cannot be written → the backup is good, and the command warns that its heartbeat is not there', async () => {
  const { environment } = await createShop(server, 10);
  const agent = await testAgent(environment);
  const { code, stderr } = await agent.run(['backup'], {
    HOLDFAST_STATUS_DIR: join(agent.folder, 'state', 'ledger.db'),
  });
  expect(stderr).toMatch(/backup of \S+: stored[\s\S]*warning: the status folder \S+ cannot be written/);
  expect(code).toBe(3);
});
