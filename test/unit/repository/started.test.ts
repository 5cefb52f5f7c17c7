import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStarted } from '../../../agent/repository/started.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const at = (iso: string) => new Date(iso);

/** A program that was started from a new state folder, and is gone; by a clock that is put then to where it is told. */
async function afterOne(goneAt = NOW) {
  let now = NOW;
  const started = createStarted(join(temporaryFolder(), 'restic.started'), () => now);
  const noting = started.noting();
  const [file = '', ...args] = noting.command;
  const child = spawn(file, [...args, 'true']);
  await once(child, 'exit');
  now = goneAt;
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

test('it is told to be gone → a lock of until then is ours, and a younger one of its process id that of another server', async () => {
  const { started, noting, pid } = await afterOne(at('2026-11-30T12:05:00Z'));
  noting.isGone(pid);
  expect(started.has(pid, NOW)).toBe(true);
  expect(started.has(pid, at('2026-11-30T12:05:00Z'))).toBe(true);
  expect(started.has(pid, at('2026-11-30T12:05:10Z'))).toBe(false);
});

test('it is gone, and the clock was put back meanwhile → nothing is known of when', async () => {
  const { started, noting, pid } = await afterOne(at('2026-11-30T11:00:00Z'));
  noting.isGone(pid);
  expect(started.has(pid, at('2026-11-30T12:05:00Z'))).toBe(true);
});

test('none of before has a lock → those are forgotten, and one that was started since then is not', async () => {
  const { started, pid } = await afterOne();
  const before = started.unsettled();
  expect(before).toEqual([{ pid, time: NOW.toISOString() }]);
  const [file = '', ...args] = started.noting().command;
  const child = spawn(file, [...args, 'true']);
  await once(child, 'exit');
  started.settle(before);
  expect(started.has(pid, NOW)).toBe(false);
  expect(started.has(child.pid ?? 0, NOW)).toBe(true);
});
