import { execFileSync, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeDump, saveRequest } from '../../helpers/repository.ts';
import { until } from '../../helpers/until.ts';

const signal = new AbortController().signal;

/** A repository with a restic backup under way that holds a lock; `program` is what runs it. */
async function withLivingRestic(command: (args: string[]) => string[], startedByUs = true) {
  const { repository, restic, folder } = await emptyRepository();
  const { file, args, env, onStart } = restic.passThrough(['backup', '--stdin', '--host', 'somebody']);
  const [program = '', ...rest] = command([file, ...args]);
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'], ...env },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  if (startedByUs) onStart?.(child.pid ?? 0);
  const kill = () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // Gone already.
    }
  };
  onTestFinished(kill);
  const locks = () => readdirSync(join(folder, 'repository', 'locks'));
  await until('restic holds its lock', async () => locks().length === 1);
  return { repository, locks, kill, child };
}

test('a restic of this server that was killed → its lock is removed, and what needs the repository alone goes on', async () => {
  const { repository, locks, kill } = await withLivingRestic((command) => command);
  kill();
  await until(
    'the kernel gave up its lock on the file',
    async () => (await repository.clearDeadLocks(signal)).removed === 1,
  );
  expect(locks()).toEqual([]);
  await repository.save(saveRequest(fakeDump(100_000)), signal);
  await repository.prune([], signal);
});

test('a restic of this server that is alive, in another process namespace → its lock stays: a pid says nothing there', async () => {
  const { repository, locks } = await withLivingRestic((command) => [
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    ...command,
  ]);
  expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 1 });
  expect(locks()).toHaveLength(1);
  // restic's own unlock would have removed it: no process of that id is alive here.
});

test("a person's own restic is alive on this server → its lock stays, and the retention that needs the repository alone is told to wait", async () => {
  const { repository, locks } = await withLivingRestic(
    (command) => command.slice(command.indexOf('restic')),
    false,
  );
  const [held] = locks();
  expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
  const keep = { daily: 1, weekly: 0, monthly: 0, yearly: 0 };
  await expect(repository.forget(keep, {}, signal)).rejects.toMatchObject({
    kind: 'repository_locked',
  });
  expect(locks()).toContain(held);
});

test('a lock of another machine, minutes old → stays, and the retention that needs the repository alone is told to wait', async () => {
  const { repository, locks, kill } = await withLivingRestic((command) => [
    'unshare',
    '--uts',
    'bash',
    '-c',
    'hostname elsewhere; exec "$@"',
    'bash',
    ...command,
  ]);
  kill();
  await repository.save(saveRequest(fakeDump(100_000)), signal);
  const policy = { daily: 1, weekly: 0, monthly: 0, yearly: 0 };
  const forgetting = repository.forget(policy, { source: 'shop' }, signal);
  await expect(forgetting).rejects.toMatchObject({ kind: 'repository_locked' });
  expect(locks()).toHaveLength(1);
});

test('the agent’s own process dies however it dies → restic dies with it, before it can take the closed pipe for the end of the dump', async () => {
  const { restic, folder } = await emptyRepository();
  const { file, args, env } = restic.passThrough(['backup', '--stdin', '--host', 'somebody']);
  // A parent that holds restic's stdin open until it is killed.
  const parent = spawn(
    'bash',
    [
      '-c',
      'exec 3> >(exec "$@" >/dev/null 2>&1); head -c 1000000 /dev/urandom >&3; echo fed; exec sleep 600',
      'bash',
      file,
      ...args,
    ],
    {
      env: { PATH: process.env['PATH'], ...env },
    },
  );
  onTestFinished(() => void parent.kill('SIGKILL'));
  await until('restic was fed', async () => readdirSync(join(folder, 'repository', 'locks')).length === 1);
  parent.kill('SIGKILL');
  await until('restic is gone', async () => {
    const pids = execFileSync('bash', [
      '-c',
      `grep -lzs "^RESTIC_REPOSITORY=${folder}/repository$" /proc/[0-9]*/environ || true`,
    ]).toString();
    return pids.trim() === '';
  });
  expect(readdirSync(join(folder, 'repository', 'snapshots'))).toEqual([]);
});
