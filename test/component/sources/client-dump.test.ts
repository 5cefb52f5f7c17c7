import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDump } from '../../../agent/sources/client/dump.ts';
import { createDumpFilter } from '../../../agent/sources/mysql/dump-filter.ts';
import { writePrivateFile } from '../../../agent/sources/private-file.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { childrenNamed } from '../../helpers/server.ts';
import { readDump, testProcesses } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
const LINES = 'for i in $(seq 1 20000); do echo "INSERT INTO t VALUES ($i);"; done';
const TRAILER = 'echo; echo "-- Dump completed"';

/** A dump by a client that is this script. */
function dumpBy(script: string, options: { signal?: AbortSignal; idleTimeoutMs?: number } = {}) {
  const folder = temporaryFolder();
  const released: string[] = [];
  const dump = openDump(
    {
      label: 'dump of shop',
      processes: testProcesses(),
      signal: options.signal ?? never,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    },
    async () => {
      const file = await writePrivateFile(join(folder, 'run'), '.cnf', 'secret');
      const filter = createDumpFilter('-- header\n');
      return {
        command: {
          file: fakeProgram(folder, 'fake-dump', script),
          args: [],
          secrets: ['geheimnis'],
        },
        filter,
        verify: async () => {
          filter.requireEnd();
          return [];
        },
        hint: (said) => (said.includes('1412') ? 'Back up again.' : undefined),
        release: async () => {
          await file.remove();
          released.push('released');
        },
      };
    },
  );
  const left = () => readdirSync(join(folder, 'run'));
  return { dump, released, left };
}

describe('a dump client', () => {
  test('that does all well → its bytes behind the header, and its word', async () => {
    const { dump, released, left } = dumpBy(`${LINES}; ${TRAILER}`);
    const { bytes, facts } = await readDump(dump);
    expect(facts).toEqual({ bytes: bytes.length, warnings: [] });
    expect(bytes.toString().startsWith('-- header\nINSERT INTO t VALUES (1);\n')).toBe(true);
    expect(bytes.toString().endsWith('INSERT INTO t VALUES (20000);\n\n-- Dump completed\n')).toBe(true);
    expect(released).toEqual(['released']);
    expect(left()).toEqual([]);
  });

  test.each([
    [
      'dies of exit 3',
      `${LINES}; echo "mysqldump: Error: 2013: Lost connection" >&2; exit 3`,
      'dump_failed',
      'exit code 3',
    ],
    ['is killed', `${LINES}; kill -9 $$`, 'dump_failed', 'SIGKILL'],
    ['exits 0 without its last line', LINES, 'dump_incomplete', '-- Dump completed'],
    [
      'exits 0 with its last line cut',
      `${LINES}; printf '\\n-- Dump compl'`,
      'dump_incomplete',
      '-- Dump completed',
    ],
    [
      'exits 0 with more behind its last line',
      `${TRAILER}; ${LINES}`,
      'dump_incomplete',
      '-- Dump completed',
    ],
    [
      'exits 0 with its last line in a row only',
      `${LINES}; echo "INSERT INTO t VALUES ('-- Dump completed');"`,
      'dump_incomplete',
      '-- Dump completed',
    ],
    ['prints nothing and exits 0', 'exit 0', 'dump_incomplete', '-- Dump completed'],
    [
      'exits 0 with an error on stderr',
      `${LINES}; echo "mysqldump: Error: 'x' when trying to dump tablespaces" >&2; ${TRAILER}`,
      'dump_failed',
      'when trying to dump tablespaces',
    ],
    [
      'exits 0 with an error among a hundred warnings on either side',
      `warn() { for i in $(seq 100); do echo "mysqldump: [Warning] $i" >&2; done; }; warn; echo "mysqldump: Couldn't execute 'SHOW EVENTS'" >&2; warn; ${TRAILER}`,
      'dump_failed',
      "Couldn't execute",
    ],
    [
      'exits 0 after "Couldn\'t execute"',
      `${LINES}; echo "mysqldump: Couldn't execute 'SHOW EVENTS'" >&2; ${TRAILER}`,
      'dump_failed',
      "Couldn't execute",
    ],
    [
      'goes on past an error (exit 6, last line there)',
      `echo "mysqldump: Table 'x' doesn't exist" >&2; ${LINES}; ${TRAILER}; exit 6`,
      'dump_failed',
      "doesn't exist",
    ],
  ])('that %s → no good word', async (_, script, kind, message) => {
    const { dump, released, left } = dumpBy(script);
    await expect(readDump(dump)).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message) as string,
    });
    expect(released).toEqual(['released']);
    expect(left()).toEqual([]);
  });

  test('that complains several times → the first cause is told, with what to do', async () => {
    const { dump } = dumpBy(
      'echo "mysqldump: [Warning] old" >&2; echo "mysqldump: Error 1412: Table definition has changed" >&2; echo "mysqldump: Error: more" >&2; exit 2',
    );
    await expect(readDump(dump)).rejects.toMatchObject({
      message: 'dump of shop failed (exit code 2): Error 1412: Table definition has changed',
      hint: 'Back up again.',
    });
  });

  test('that warns and does well → its warnings, without its name', async () => {
    const { dump } = dumpBy(`echo "mysqldump: [Warning] something old" >&2; ${TRAILER}`);
    expect((await readDump(dump)).facts.warnings).toEqual(['[Warning] something old']);
  });

  test('that prints the password → it is masked', async () => {
    const { dump } = dumpBy('echo "mysqldump: Error: geheimnis" >&2; exit 1');
    await expect(readDump(dump)).rejects.toThrow('Error: ***');
  });

  test('that prints the password across the place where a long line is cut → no part of it is left', async () => {
    const { dump } = dumpBy('printf "mysqldump: Error: %1976sgeheimnis\\n" x >&2; exit 1');
    await expect(readDump(dump)).rejects.not.toThrow('geheim');
  });

  test('that hangs → dump_failed after its time, and it is gone', async () => {
    const { dump } = dumpBy('echo begun; exec sleep 1000', { idleTimeoutMs: 300 });
    await expect(readDump(dump)).rejects.toMatchObject({
      kind: 'dump_failed',
      hint: expect.any(String) as string,
    });
    expect(childrenNamed('sleep')).toEqual([]);
  });

  test('whose reader is slow → is not taken for hanging', async () => {
    const { dump } = dumpBy(`${LINES}; ${TRAILER}`, { idleTimeoutMs: 200 });
    const waited = Promise.withResolvers<undefined>();
    setTimeout(() => waited.resolve(undefined), 700);
    let first = true;
    for await (const chunk of dump.stream) {
      if (first) await waited.promise;
      first = chunk.length === 0;
    }
    expect((await dump.done).bytes).toBeGreaterThan(500_000);
  });

  test('that ignores SIGTERM → is killed within a second of the abort', async () => {
    const abort = new AbortController();
    const { dump } = dumpBy('trap "" TERM; echo begun; while true; do sleep 0.05; done', {
      signal: abort.signal,
    });
    await until('it runs', async () => childrenNamed('fake-dump').length > 0);
    const started = performance.now();
    abort.abort();
    await expect(dump.done).rejects.toMatchObject({ kind: 'interrupted' });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(childrenNamed('fake-dump')).toEqual([]);
  });

  test('that is not there → tool_missing, and what was prepared is removed', async () => {
    const released: string[] = [];
    const dump = openDump(
      { label: 'x', processes: testProcesses(), signal: never, idleTimeoutMs: 1000 },
      async () => ({
        command: { file: '/not/there', args: [] },
        filter: createDumpFilter(''),
        verify: async () => [],
        hint: () => undefined,
        release: async () => void released.push('released'),
      }),
    );
    await expect(readDump(dump)).rejects.toMatchObject({ kind: 'tool_missing' });
    expect(released).toEqual(['released']);
  });
});
