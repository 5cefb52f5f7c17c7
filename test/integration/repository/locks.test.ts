import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeDump, saveRequest } from '../../helpers/repository.ts';
import { until } from '../../helpers/until.ts';

const signal = new AbortController().signal;

/** The command line as if another process had made it, whose id is this, or which is a line of bash that puts in its own. */
const startedBy = (parent: string, command: string[]) =>
  command.map((word) => (word === String(process.pid) ? parent : word));
const BY_BASH = '@parent@';
const AS_BASH = `set -- "\${@/#${BY_BASH}/$$}"`;

/** A repository with a restic backup under way that holds a lock; `program` is what runs it. */
async function withLivingRestic(command: (args: string[]) => string[]) {
  const { repository, restic, folder } = await emptyRepository();
  const { file, args, env } = restic.passThrough(['backup', '--stdin', '--host', 'somebody']);
  const [program = '', ...rest] = command([file, ...args]);
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'], ...env },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const kill = () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // Gone already.
    }
  };
  onTestFinished(kill);
  // Without one that is being written, under another name.
  const locks = () =>
    readdirSync(join(folder, 'repository', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));
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

test('the agent is killed the moment that it has started restic, or a little later → whatever lock that leaves is known as ours and removed', async () => {
  const { repository, restic, folder } = await emptyRepository();
  const folderOfLocks = join(folder, 'repository', 'locks');
  // While restic writes one it has another name.
  const locks = () => readdirSync(folderOfLocks).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const { file, args, env } = restic.passThrough(['backup', '--stdin', '--host', 'somebody']);
  let left = 0;
  const moments = ['true', 'sleep 0.1', `until ls ${folderOfLocks} | grep -qE '^[0-9a-f]{64}$'; do :; done`];
  for (const moment of moments) {
    // It does nothing between the start and its end, as an agent that is killed there.
    const parent = spawn(
      'bash',
      [
        '-c',
        `${AS_BASH}; "$@" < <(exec sleep 600) >&2 & ${moment}; kill -KILL $$`,
        'bash',
        ...startedBy(BY_BASH, [file, ...args]),
      ],
      { env: { PATH: process.env['PATH'], ...env }, detached: true, stdio: 'ignore' },
    );
    onTestFinished(() => {
      try {
        process.kill(-(parent.pid ?? 0), 'SIGKILL');
      } catch {
        // Gone already.
      }
    });
    await once(parent, 'exit');
    await until('no lock is left', async () => {
      const { removed } = await repository.clearDeadLocks(signal);
      left += removed;
      return locks().length === 0;
    });
  }
  expect(left).toBeGreaterThan(0);
});

test('a restic of this server that is alive, in another process namespace → its lock stays: a pid says nothing there', async () => {
  const { repository, locks } = await withLivingRestic((command) => [
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    ...startedBy('0', command),
  ]);
  expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 1 });
  expect(locks()).toHaveLength(1);
  // restic's own unlock would have removed it: no process of that id is alive here.
});

test("a person's own restic is alive on this server → its lock stays, and the retention that needs the repository alone is told to wait", async () => {
  const { repository, locks } = await withLivingRestic((command) => command.slice(command.indexOf('restic')));
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
      `${AS_BASH}; exec 3> >(exec "$@" >/dev/null 2>&1); head -c 1000000 /dev/urandom >&3; echo fed; exec sleep 600`,
      'bash',
      ...startedBy(BY_BASH, [file, ...args]),
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
