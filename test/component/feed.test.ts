import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { feed } from '../../agent/process/feed.ts';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { fakeDump, processes } from '../helpers/repository.ts';

const MEGABYTE = 1024 * 1024;

async function feedThrough(
  script: string | null,
  dump = fakeDump(4 * MEGABYTE),
  signal = new AbortController().signal,
) {
  const folder = temporaryFolder();
  const sink = new PassThrough({ highWaterMark: 1e9 });
  const compress = script === null ? null : { file: fakeProgram(folder, 'compressor', script), args: [] };
  const spool = { directory: folder, maxBytes: 1e9 };
  const outcome = await feed(processes, { open: dump, compress, sink, spool, signal }).catch(
    (error: unknown) => error,
  );
  return { outcome, sink };
}

test('everything well → counts on both sides, and the sink is left open', async () => {
  const { outcome, sink } = await feedThrough('exec gzip -c');
  expect(outcome).toMatchObject({
    dumpBytes: 4 * MEGABYTE,
    storedBytes: sink.readableLength,
    spooledBytes: 0,
  });
  expect(sink.writableEnded).toBe(false);
});

test.each([
  ['dies at once', 'echo "no such option" >&2; exit 2', /no such option/],
  ['dies at byte N', 'head -c 1000000 >/dev/null; echo "out of memory" >&2; exit 1', /out of memory/],
  ['is killed', 'head -c 1000000 >/dev/null; kill -9 $$', /SIGKILL/],
  ['says at its end that it failed', 'cat; echo "write error" >&2; exit 1', /write error/],
])(
  'a compressor that %s → its own words are the error, and the sink is left open',
  async (_, script, message) => {
    const { outcome, sink } = await feedThrough(script);
    expect(outcome).toBeInstanceOf(Error);
    expect((outcome as Error).message).toMatch(message);
    expect(sink.writableEnded).toBe(false);
  },
);

test('a compressor that exits 0 without reading everything → an error, never a shorter dump', async () => {
  const { outcome } = await feedThrough('head -c 1000', fakeDump(64 * MEGABYTE));
  expect(outcome).toBeInstanceOf(Error);
});

test('a compressor that is not installed → the dump is not even started', async () => {
  let opened = false;
  const dump = fakeDump(MEGABYTE);
  const sink = new PassThrough();
  const feeding = feed(processes, {
    open: (signal) => {
      opened = true;
      return dump(signal);
    },
    compress: { file: '/nonexistent/pigz', args: [] },
    sink,
    spool: { directory: temporaryFolder(), maxBytes: 1 },
    signal: new AbortController().signal,
  });
  await expect(feeding).rejects.toMatchObject({ kind: 'tool_missing' });
  expect(opened).toBe(false);
});

test('a dump that dies while the compressor is busy → the dump’s error, not the compressor’s', async () => {
  const { outcome } = await feedThrough('exec gzip -c', fakeDump(8 * MEGABYTE, { dieAt: 3 * MEGABYTE }));
  expect((outcome as Error).message).toBe('the dump died');
});

test('more than 128 MB through the agent → every byte counted, nothing buffered until it bursts', async () => {
  const { outcome } = await feedThrough('exec md5sum', fakeDump(160 * MEGABYTE));
  expect(outcome).toMatchObject({ dumpBytes: 160 * MEGABYTE, storedBytes: 36 });
});
