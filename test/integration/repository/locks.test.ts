import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { passThrough } from '../../../agent/process/pass-through.ts';
import { createStarted } from '../../../agent/repository/started.ts';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeDump, saveRequest } from '../../helpers/repository.ts';
import { until } from '../../helpers/until.ts';

const signal = new AbortController().signal;

/** The command line as if another process had made it, whose id is this, or which is a line of bash that puts in its own. */
const startedBy = (parent: string, command: string[]) =>
  command.map((word) => (word === String(process.pid) ? parent : word));
const BY_BASH = '@parent@';
const AS_BASH = `set -- "\${@/#${BY_BASH}/$$}"`;

/** A repository with a restic backup under way that holds a lock; `command` is what runs it, and `before` is done first. */
async function withLivingRestic(
  command: (args: string[]) => string[],
  before: (what: { started: string; clear: () => Promise<unknown> }) => unknown = () => undefined,
) {
  const { repository, restic, folder } = await emptyRepository();
  const started = join(folder, 'restic.started');
  await before({ started, clear: () => repository.clearDeadLocks(signal) });
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
  return { repository, folder, locks, kill, child };
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

/*
 * Another server that was left at the same host name: its restic is none that we noted, and the first of a process namespace of its own,
 * so it has a process id that can be told before.
 */
const OF_ANOTHER_SERVER = (command: string[]) => [
  ...['unshare', '--pid', '--fork', '--kill-child'],
  ...command.slice(command.indexOf('restic')),
];
const ITS_PID = 1;

test.each([
  ['long ago, and it is known when it was gone', (gone: string) => `gone ${gone}`],
  ['and ended by itself', () => 'ended'],
])(
  'a restic of ours had the process id that a living one of another server has: %s → the lock of that one stays',
  async (_, word) => {
    const { repository, folder, locks } = await withLivingRestic(OF_ANOTHER_SERVER, ({ started }) => {
      const time = new Date(Date.now() - 600_000).toISOString();
      const gone = new Date(Date.now() - 300_000).toISOString();
      appendFileSync(started, `${ITS_PID} ${time}\n${ITS_PID} ${time} ${word(gone)}\n`);
    });
    expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
    expect(locks()).toHaveLength(1);
    expect(readFileSync(join(folder, 'restic.started'), 'utf8')).toContain(`${ITS_PID} `);
  },
);

test('our agent was killed with a restic of the process id that one of another server has later → once the clean-up found no lock of ours, the lock of that one stays', async () => {
  const { repository, locks } = await withLivingRestic(OF_ANOTHER_SERVER, async ({ started, clear }) => {
    appendFileSync(started, `${ITS_PID} ${new Date(Date.now() - 600_000).toISOString()}\n`);
    expect(await clear()).toEqual({ removed: 0, left: 0 });
  });
  expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
  expect(locks()).toHaveLength(1);
});

test("a person's own restic, through `holdfast restic`, is over → a lock of its process id is ours up to then, and no younger one", async () => {
  const { restic } = await emptyRepository();
  const before = new Date();
  const command = restic.passThrough(['list', 'locks', '--no-lock']);
  expect(await passThrough(command, { PATH: process.env['PATH'] ?? '' })).toBe(0);
  const [noted] = restic.unsettled();
  expect(restic.started(noted?.pid ?? 0, before)).toBe(true);
  expect(restic.started(noted?.pid ?? 0, new Date(Date.now() + 60_000))).toBe(false);
});

test('a restic of ours that was killed left its lock → with it goes the note of every one before', async () => {
  const { repository, folder, locks, kill } = await withLivingRestic((command) => command);
  const started = join(folder, 'restic.started');
  appendFileSync(started, `${ITS_PID} ${new Date(Date.now() - 600_000).toISOString()}\n`);
  kill();
  await until(
    'the kernel gave up its lock on the file',
    async () => (await repository.clearDeadLocks(signal)).removed === 1,
  );
  expect(locks()).toEqual([]);
  const noted = createStarted(started, () => new Date());
  expect(noted.unsettled()).toEqual([]);
  expect(noted.has(ITS_PID, new Date())).toBe(false);
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
