import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endStrays } from '../../agent/process/strays.ts';
import { temporaryFolder } from '../helpers/folder.ts';

test('programs at work in a folder and beside it → those in it are ended, also where it was removed under them', async () => {
  const folder = temporaryFolder();
  const [inside, beside] = [join(folder, 'run/one'), join(folder, 'running')];
  for (const path of [inside, beside]) mkdirSync(path, { recursive: true });
  const start = (cwd: string) => {
    const child = spawn('sleep', ['60'], { cwd });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const [stray, other] = [start(inside), start(beside)];
  await Promise.all([once(stray, 'spawn'), once(other, 'spawn')]);
  const ended = once(stray, 'exit');
  await endStrays(join(folder, 'run'));
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(other.exitCode).toBeNull();
  expect(other.signalCode).toBeNull();
  await endStrays(join(folder, 'not there'));
});
