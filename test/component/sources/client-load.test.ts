import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDump } from '../../../agent/sources/client/load.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { childrenNamed } from '../../helpers/server.ts';
import { streamOf, testProcesses } from '../../helpers/sources.ts';

const never = new AbortController().signal;
const MEGABYTE = Buffer.alloc(1024 * 1024, 'x');
const through = { push: (chunk: Buffer) => [chunk], end: () => [] };

function loadBy(script: string, dump: AsyncIterable<Buffer>, folder = temporaryFolder()) {
  const command = { file: fakeProgram(folder, 'fake-load', script), args: [folder] };
  return loadDump(
    {
      label: 'loading into copy',
      processes: testProcesses(),
      signal: never,
      command,
      filter: through,
      hints: [[/ERROR 1062/, 'Empty it first.']],
    },
    dump,
  );
}

test('a client that reads all and exits 0 → every byte arrived', async () => {
  const folder = temporaryFolder();
  await loadBy('cat > "$1/got"', streamOf(MEGABYTE, 'end', MEGABYTE), folder);
  expect(readFileSync(join(folder, 'got')).length).toBe(2 * MEGABYTE.length + 3);
});

test.each([
  [
    'exits 1 after its first lines',
    'head -c 1000 >/dev/null; echo "ERROR 1062 (23000) at line 3: Duplicate entry" >&2; exit 1',
    'ERROR 1062 (23000) at line 3: Duplicate entry',
  ],
  [
    'prints an error and exits 0',
    'cat >/dev/null; echo "pg_restore: error: could not execute query" >&2',
    'could not execute query',
  ],
  ['dies of a signal', 'head -c 1000 >/dev/null; kill -9 $$', 'SIGKILL'],
  ['closes its input and exits 1', 'exec 0<&-; echo "ERROR: no" >&2; exit 1', 'ERROR: no'],
])('a client that %s → restore_failed in its words', async (_, script, words) => {
  await expect(loadBy(script, streamOf(...Array<Buffer>(50).fill(MEGABYTE)))).rejects.toMatchObject({
    kind: 'restore_failed',
    message: expect.stringContaining(words) as string,
  });
});

test('a complaint that is known → comes with what to do', async () => {
  const script = 'echo "ERROR 1062 (23000) at line 3: Duplicate entry" >&2; exit 1';
  await expect(loadBy(script, streamOf('x'))).rejects.toMatchObject({ hint: 'Empty it first.' });
});

test('a stream that breaks → the client never sees an end of file, and is gone', async () => {
  const folder = temporaryFolder();
  const broken = async function* () {
    yield MEGABYTE;
    throw new Error('damaged');
  };
  await expect(loadBy('cat >/dev/null; touch "$1/ended"', broken(), folder)).rejects.toThrow('damaged');
  expect(() => readFileSync(join(folder, 'ended'))).toThrow();
  expect(childrenNamed('fake-load')).toEqual([]);
});

test('a client that talks a lot on stdout → does not stand still', async () => {
  await loadBy('head -c 1000000 /dev/zero; cat >/dev/null', streamOf(MEGABYTE));
});
