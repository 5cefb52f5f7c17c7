import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSmallFile } from '../../../sentinel/small-file.ts';
import { makeFifo } from '../../helpers/fifo.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

describe('readSmallFile', () => {
  it('a file of exactly the size → its text', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'four');
    expect(readSmallFile(path, 4)).toEqual({ ok: true, text: 'four' });
  });

  it('one byte more → malformed', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'five!');
    expect(readSmallFile(path, 4)).toMatchObject({ ok: false, reason: 'malformed' });
  });

  it('a file without an end → malformed, after a few bytes', () => {
    expect(readSmallFile('/proc/self/smaps', 64)).toMatchObject({ ok: false, reason: 'malformed' });
  });

  it('nothing there → missing', () => {
    expect(readSmallFile(join(temporaryFolder(), 'file'), 4)).toMatchObject({ ok: false, reason: 'missing' });
  });

  it('the folder is not there either → missing', () => {
    expect(readSmallFile('/nonexistent/file', 4)).toMatchObject({ ok: false, reason: 'missing' });
  });

  it('a symlink to a good file → refused', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'good'), 'text');
    symlinkSync('good', join(folder, 'link'));
    expect(readSmallFile(join(folder, 'link'), 4)).toEqual({
      ok: false,
      reason: 'not_regular_file',
      detail: 'it is a symbolic link',
    });
  });

  it('a FIFO that nobody writes to → refused without waiting', () => {
    const path = join(temporaryFolder(), 'fifo');
    makeFifo(path);
    expect(readSmallFile(path, 4)).toMatchObject({ reason: 'not_regular_file', detail: 'it is a FIFO' });
  });

  it('a folder → refused', () => {
    const path = join(temporaryFolder(), 'folder');
    mkdirSync(path);
    expect(readSmallFile(path, 4)).toMatchObject({ reason: 'not_regular_file', detail: 'it is a folder' });
  });

  it('a device → refused', () => {
    expect(readSmallFile('/dev/zero', 4)).toMatchObject({
      reason: 'not_regular_file',
      detail: 'it is a device',
    });
  });

  it('a socket → refused', async () => {
    const path = join(temporaryFolder(), 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    expect(readSmallFile(path, 4)).toMatchObject({ ok: false, reason: 'not_regular_file' });
  });

  it('a path through a file → unreadable, with the cause', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    expect(readSmallFile(join(path, 'x'), 4)).toEqual({ ok: false, reason: 'unreadable', detail: 'ENOTDIR' });
  });

  it('read two thousand times → no file is left open', () => {
    const path = join(temporaryFolder(), 'file');
    makeFifo(path);
    for (let round = 0; round < 2000; round++) readSmallFile(path, 4);
    expect(readSmallFile('/dev/null', 4)).toMatchObject({ reason: 'not_regular_file' });
  });
});
