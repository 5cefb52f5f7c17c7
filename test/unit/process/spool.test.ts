import { readdirSync } from 'node:fs';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createSpool } from '../../../agent/process/spool.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** A target that takes nothing until it is let go. */
function stallingTarget() {
  const taken: Buffer[] = [];
  let letGo: (() => void) | null = null;
  let open = false;
  const target = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk);
      if (open) return done();
      letGo = done;
    },
  });
  return {
    target,
    bytes: () => Buffer.concat(taken).toString(),
    release: () => {
      open = true;
      letGo?.();
      letGo = null;
    },
  };
}

const FAST = { stallAfterMs: 20, bytesPerSecond: 1e9 };

test('a target that takes bytes → nothing ever touches the disk', async () => {
  const { target, bytes, release } = stallingTarget();
  release();
  const directory = temporaryFolder();
  const spool = createSpool(target, { directory, maxBytes: 1000, ...FAST }, new AbortController().signal);
  for (const text of ['a', 'b', 'c']) await spool.write(Buffer.from(text));
  await spool.flush();
  expect(bytes()).toBe('abc');
  expect(spool.spooledBytes).toBe(0);
  expect(readdirSync(directory)).toEqual([]);
});

test('a target that stalls, then goes on → the writer is not kept waiting, every byte arrives once and in order', async () => {
  const { target, bytes, release } = stallingTarget();
  const directory = temporaryFolder();
  const spool = createSpool(target, { directory, maxBytes: 1e6, ...FAST }, new AbortController().signal);
  const written: string[] = [];
  for (let number = 0; number < 500; number += 1) {
    const text = `row ${number};`;
    written.push(text);
    await spool.write(Buffer.from(text));
  }
  expect(bytes()).toBe('row 0;');
  // The file has no name any more: a killed agent leaves no dump on the disk.
  expect(readdirSync(directory)).toEqual([]);
  release();
  await spool.flush();
  expect(bytes()).toBe(written.join(''));
  expect(spool.spooledBytes).toBeGreaterThan(0);

  for (const text of ['later;', 'last;']) await spool.write(Buffer.from(text));
  await spool.flush();
  expect(bytes()).toBe(`${written.join('')}later;last;`);
  await spool.close();
});

test('a file that is full → the writer waits for the target, and nothing is lost', async () => {
  const { target, bytes, release } = stallingTarget();
  const spool = createSpool(
    target,
    { directory: temporaryFolder(), maxBytes: 40, ...FAST },
    new AbortController().signal,
  );
  const done: number[] = [];
  const writing = (async () => {
    for (let number = 0; number < 20; number += 1) {
      await spool.write(Buffer.from(`chunk-${String(number).padStart(2, '0')};`));
      done.push(number);
    }
  })();
  // One in the target, then as many nine-byte chunks as fit into the file.
  await expect.poll(() => done.length).toBe(5);
  release();
  await writing;
  await spool.flush();
  expect(bytes()).toBe(
    Array.from({ length: 20 }, (_, number) => `chunk-${String(number).padStart(2, '0')};`).join(''),
  );
});

test('an abort while the target stalls → every wait ends with its reason', async () => {
  const { target } = stallingTarget();
  const stop = new AbortController();
  const spool = createSpool(target, { directory: temporaryFolder(), maxBytes: 1, ...FAST }, stop.signal);
  await spool.write(Buffer.from('a'));
  const waiting = spool.write(Buffer.from('bb'));
  stop.abort(new Error('told to stop'));
  await expect(waiting).rejects.toThrow('told to stop');
  await expect(spool.flush()).rejects.toThrow('told to stop');
});

test('a target that fails while bytes wait in the file → the error comes out of the next call', async () => {
  const { target } = stallingTarget();
  target.on('error', () => undefined);
  const spool = createSpool(
    target,
    { directory: temporaryFolder(), maxBytes: 1e6, ...FAST },
    new AbortController().signal,
  );
  for (let number = 0; number < 10; number += 1) await spool.write(Buffer.from('x'));
  target.destroy(new Error('broken pipe'));
  await expect(spool.flush()).rejects.toThrow(/closed its input/);
});

test('a slow disk, and a target that goes on while bytes are on their way to it → none is lost, round after round', async () => {
  for (let round = 0; round < 40; round += 1) {
    const { target, bytes, release } = stallingTarget();
    const options = { directory: temporaryFolder(), maxBytes: 1e6, stallAfterMs: 1, bytesPerSecond: 1e9 };
    const spool = createSpool(target, options, new AbortController().signal);
    let written = '';
    for (let number = 0; number < 60; number += 1) {
      const text = `row ${number};`;
      written += text;
      // The moment moves through the writing, so that some round meets the file just as it is emptied.
      if (number === 5 + round) release();
      await spool.write(Buffer.from(text));
    }
    release();
    await spool.flush();
    expect(bytes()).toBe(written);
    await spool.close();
  }
});
