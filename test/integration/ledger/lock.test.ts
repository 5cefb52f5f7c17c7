import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock } from '../../../agent/ledger/lock.ts';

const LOCKER = join(import.meta.dirname, '../../fixtures/ledger/locker.ts');

let folder: string;
let path: string;
let children: ChildProcessByStdio<Writable, Readable, null>[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  path = join(folder, 'state', 'lock.db');
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('lock held in this process → nobody gets it, here or in another process, until it is released', async () => {
  const other = locker();
  const release = acquireLock(path);
  expect(release).not.toBeNull();
  expect(acquireLock(path)).toBeNull();
  expect(await other.say('try')).toBe('busy');
  release?.();
  expect(await other.say('try')).toBe('held');
  expect(acquireLock(path)).toBeNull();
  await other.say('release');
  const again = acquireLock(path);
  expect(again).not.toBeNull();
  again?.();
});

test('released twice → the second does not take the lock from whoever has it now', async () => {
  const other = locker();
  const release = acquireLock(path);
  release?.();
  expect(await other.say('try')).toBe('held');
  release?.();
  expect(acquireLock(path)).toBeNull();
});

test('holder killed with -9 → the lock is free at once', async () => {
  const other = locker();
  expect(await other.say('try')).toBe('held');
  expect(acquireLock(path)).toBeNull();
  other.child.kill('SIGKILL');
  await once(other.child, 'exit');
  const release = acquireLock(path);
  expect(release).not.toBeNull();
  release?.();
});

test('two processes ask in the same instant, 60 times → exactly one of them gets it each time', async () => {
  const lockers = [locker(), locker()];
  for (const each of lockers) await each.say('release');
  for (let round = 0; round < 60; round++) {
    const answers = await Promise.all(lockers.map((each) => each.say('try')));
    expect(answers.sort()).toEqual(['busy', 'held']);
    for (const each of lockers) await each.say('release');
  }
}, 120_000);

test('holder forgets its release and its garbage is collected → the lock is still held', async () => {
  const other = locker();
  expect(await other.say('forget')).toBe('held');
  expect(await other.next()).toBe('collected');
  expect(acquireLock(path)).toBeNull();
});

test('lock taken, held, its holder killed, and released → nothing was ever written', async () => {
  const other = locker();
  await other.say('try');
  expect(readdirSync(join(folder, 'state'))).toEqual(['lock.db']);
  other.child.kill('SIGKILL');
  await once(other.child, 'exit');
  acquireLock(path)?.();
  expect(readdirSync(join(folder, 'state'))).toEqual(['lock.db']);
  expect(statSync(path).size).toBe(0);
});

test('a lock file that is something else → an error that names it, not "busy"', () => {
  path = join(folder, 'lock.db');
  writeFileSync(path, 'not a database '.repeat(100));
  expect(() => acquireLock(path)).toThrow(`the lock file ${path} is unusable (file is not a database)`);
});

function locker() {
  const child = spawn(process.execPath, ['--expose-gc', LOCKER, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const say = (word: string) => {
    child.stdin.write(`${word}\n`);
    return next();
  };
  return { child, next, say };
}
