import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { haltedRestic, testAgent, type Ended, type TestAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { until } from '../../helpers/until.ts';

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
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).not.toMatch(/error/);
  expect(code).toBe(0);
  return { ...agent, database: shop.database };
}

/** What every fault must leave: the cause told, nothing green, and the next good run good. */
async function expectRefusal(
  agent: TestAgent,
  attempt: () => Promise<Ended>,
  cause: RegExp,
  exitCode = 1,
): Promise<void> {
  const [snapshots, lastOk] = [agent.snapshots(), agent.lastOk()];
  const { code, stderr } = await attempt();
  expect(stderr).toMatch(cause);
  expect(code).toBe(exitCode);
  expect(agent.snapshots()).toEqual(snapshots);
  expect(agent.lastOk()).toBe(lastOk);
  expect(stderr).not.toMatch(/keeper-secret|correct horse/);
}

async function expectNextGood(agent: TestAgent): Promise<void> {
  const before = agent.lastOk();
  const { code, stderr } = await agent.run(['backup']);
  expect(stderr).toMatch(/backup of \S+: stored/);
  expect(code).toBe(0);
  expect((agent.lastOk() ?? '') >= (before ?? '')).toBe(true);
}

describe('the database', () => {
  test('killed in the middle of the dump → failed, and good again when it is back', async () => {
    const own = await startMariadb();
    onTestFinished(() => own.stop());
    const shop = await createShop(own, 150_000);
    const agent = await testAgent(shop.environment);
    expect((await agent.run(['backup'])).code).toBe(0);
    const halted = haltedRestic(agent.folder);
    await expectRefusal(
      agent,
      async () => {
        const { ended } = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
        await until('the dump reads the large table', async () => {
          const rows = await own.sql(
            `SELECT id FROM information_schema.processlist WHERE db = '${shop.database}' AND info LIKE '%orders%' AND id <> CONNECTION_ID()`,
          );
          return rows.length > 0;
        });
        await own.stop();
        halted.letGo();
        return ended;
      },
      /lost connection|server has gone away|ended with exit code/i,
    );
  });

  test('its connection is killed in the middle of the dump → failed, and the next run is good', async () => {
    const agent = await agentWithBackup(150_000);
    const halted = haltedRestic(agent.folder);
    await expectRefusal(
      agent,
      async () => {
        const { ended } = agent.start(['backup'], { HOLDFAST_RESTIC: halted.path });
        await until('the dump is under way', async () => halted.reached());
        const id = await until('the dump reads the large table', async () => {
          const rows = await server.sql(
            `SELECT id FROM information_schema.processlist WHERE db = '${agent.database}' AND info LIKE '%orders%' AND id <> CONNECTION_ID()`,
          );
          return rows[0]?.['id'];
        });
        await server.sql(`KILL ${String(id)}`);
        halted.letGo();
        return ended;
      },
      /lost connection|killed|gone away/i,
    );
    await expectNextGood(agent);
  });

  test('wrong password → says who was denied', async () => {
    const agent = await agentWithBackup();
    await expectRefusal(
      agent,
      () => agent.run(['backup'], { MYSQL_PASSWORD: 'wrong-password' }),
      /denied|refuse/i,
    );
    await expectNextGood(agent);
  });

  test('not there → unreachable, with its address', async () => {
    const agent = await agentWithBackup();
    await expectRefusal(agent, () => agent.run(['backup'], { MYSQL_PORT: '1' }), /127\.0\.0\.1.*1/);
    await expectNextGood(agent);
  });

  test('the TRIGGER right is taken away → refused with the GRANT that mends it; allowed by name → done with warnings', async () => {
    const agent = await agentWithBackup();
    await server.sql(`REVOKE TRIGGER ON ${agent.database}.* FROM ${agent.environment['MYSQL_USER']}@'%'`);
    await expectRefusal(agent, () => agent.run(['backup']), /triggers[\s\S]*GRANT TRIGGER/);
    const allowed = await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'triggers' });
    expect(allowed.stderr).toMatch(/warning: .*triggers/);
    expect(allowed.code).toBe(3);
  });

  test('empty → refused; allowed by name → done with warnings', async () => {
    const agent = await agentWithBackup();
    await server.sql(`DROP TABLE customers, orders; DROP VIEW totals; DROP PROCEDURE answer`, agent.database);
    await expectRefusal(agent, () => agent.run(['backup']), /empty|no table/i);
    expect((await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'empty' })).code).toBe(3);
  });
});

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

  test('another repository in its place → refused until it is accepted', async () => {
    const agent = await agentWithBackup();
    const other = await testAgent({});
    const repository = join(agent.folder, 'repository');
    rmSync(repository, { recursive: true });
    execFileSync('restic', ['init', '--repo', repository], {
      env: { ...other.environment, RESTIC_REPOSITORY: repository },
    });
    const refused = await agent.run(['backup']);
    expect(refused.stderr).toMatch(/is another one than before/);
    expect(refused.code).toBe(1);
    expect((await agent.run(['init', '--new'])).code).toBe(0);
    expect((await agent.run(['backup'])).code).toBe(0);
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
    const small = join(agent.folder, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small]);
    onTestFinished(() => void execFileSync('umount', ['-l', small]));
    const repository = join(small, 'repository');
    cpSync(join(agent.folder, 'repository'), repository, { recursive: true });
    await server.sql(`UPDATE orders SET note = REPEAT(SHA2(CONCAT(id, RAND()), 512), 2)`, agent.database);
    const lastOk = agent.lastOk();
    const full = await agent.run(['backup'], { RESTIC_REPOSITORY: repository });
    expect(full.stderr).toMatch(/no space is left for the repository/);
    expect(full.code).toBe(1);
    expect(agent.lastOk()).toBe(lastOk);
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
});

/** A restic on a machine of another name, killed while it holds a lock. */
const foreignLock = `
  unshare --uts bash -c 'hostname elsewhere; (sleep 600) | exec restic backup --stdin --host elsewhere >/dev/null 2>&1' &
  until lock=$(ls "$RESTIC_REPOSITORY/locks" | grep -xE '[0-9a-f]{64}'); do sleep 0.05; done
  pkill -9 -P $! restic; pkill -9 -P $! sleep; kill -9 $!
  echo "$lock"`;

test('the status folder cannot be written → the backup is good, and the command warns that its heartbeat is not there', async () => {
  const { environment } = await createShop(server, 10);
  const agent = await testAgent(environment);
  const { code, stderr } = await agent.run(['backup'], {
    HOLDFAST_STATUS_DIR: join(agent.folder, 'state', 'ledger.db'),
  });
  expect(stderr).toMatch(/backup of \S+: stored[\s\S]*warning: the status folder \S+ cannot be written/);
  expect(code).toBe(3);
});
