import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStarted } from '../../../agent/repository/started.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const at = (iso: string) => new Date(iso);

/** A program that was started from a new state folder, and is gone. */
async function afterOne() {
  const started = createStarted(join(temporaryFolder(), 'restic.started'), () => NOW);
  const noting = started.noting();
  const [file = '', ...args] = noting.command;
  const child = spawn(file, [...args, 'true']);
  await once(child, 'exit');
  return { started, noting, pid: child.pid ?? 0 };
}

test('it was started here, and nobody knows how it ended → a lock of its process id is ours, also one that it renewed', async () => {
  const { started, pid } = await afterOne();
  expect(started.has(pid, NOW)).toBe(true);
  expect(started.has(pid, at('2026-12-01T12:00:00Z'))).toBe(true);
});

test.each([
  ['another process id', 1, NOW],
  ['a lock from before it was started', 0, at('2026-11-30T11:59:00Z')],
  ['a lock of weeks later, for such ids come again', 0, at('2026-12-20T12:00:00Z')],
])('%s → not ours', async (_, other, time) => {
  const { started, pid } = await afterOne();
  expect(started.has(pid + other, time)).toBe(false);
});

test('it is told to have left no lock → one of its process id is that of another server', async () => {
  const { started, noting, pid } = await afterOne();
  noting.endedWell(pid);
  expect(started.has(pid, NOW)).toBe(false);
});

test('a later one of the same process id was killed → its lock is ours', async () => {
  const { started, noting, pid } = await afterOne();
  noting.endedWell(pid - 1);
  expect(started.has(pid, NOW)).toBe(true);
});
