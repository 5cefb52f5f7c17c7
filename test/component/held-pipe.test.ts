import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { testProcesses } from '../helpers/sources.ts';
import { until } from '../helpers/until.ts';

const { signal } = new AbortController();

/** A program that leaves another one behind, which holds its pipes and writes its id into a file. */
function leaving(how: string) {
  const folder = temporaryFolder();
  const pid = join(folder, 'pid');
  const left = fakeProgram(folder, 'left', `echo $$ >${pid}.new; mv ${pid}.new ${pid}; ${how}`);
  const file = fakeProgram(folder, 'leaves', `${left} & until [ -e ${pid} ]; do sleep 0.01; done; exit 0`);
  const isLeft = async () => {
    const { code } = await testProcesses().run(
      { file: 'bash', args: ['-c', `[ -e /proc/$(<${pid})/fd ] && kill -0 $(<${pid})`] },
      { timeoutMs: 5_000, signal },
    );
    return code === 0;
  };
  onTestFinished(async () => {
    if (!existsSync(pid)) return;
    await testProcesses().run(
      { file: 'bash', args: ['-c', `kill -KILL $(<${pid})`] },
      { timeoutMs: 5_000, signal },
    );
  });
  return { command: { file, args: [] }, isLeft };
}

const HOLDING: [string, string][] = [
  ['ends when it is told to', 'exec sleep 600'],
  ['ignores SIGTERM', "trap '' TERM; while :; do sleep 1; done"],
  ['has left the group', 'exec setsid sleep 600'],
];

test.each(HOLDING)(
  'a program ends, and what it left behind holds its pipe and %s → the deadline holds',
  async (_, how) => {
    const { command } = leaving(how);
    const from = performance.now();
    await expect(testProcesses().run(command, { timeoutMs: 500, signal })).rejects.toMatchObject({
      kind: 'timeout',
    });
    expect(performance.now() - from).toBeLessThan(9_000);
  },
  20_000,
);

test('what it left behind ignores SIGTERM → it is killed after the grace', async () => {
  const { command, isLeft } = leaving("trap '' TERM; while :; do sleep 1; done");
  const child = await testProcesses().start(command);
  await child.exit;
  expect(await isLeft()).toBe(true);
  await child.stop(200);
  await until('it is gone', async () => !(await isLeft()));
});
