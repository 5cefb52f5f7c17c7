import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { exportJob, type ExportTarget } from '../../agent/jobs/restore/export.ts';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { testRepository } from '../helpers/repository.ts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };
const DUMP = 'CREATE TABLE t;\n-- Dump completed\n';
const ID = 'a'.repeat(64);

/** Restores a dump as a plain file out of a repository of which restic says this, and gives so much of. */
function exported(target: ExportTarget, { gives, recorded }: { gives: string; recorded: boolean }) {
  const folder = temporaryFolder();
  const snapshot = {
    ...{ id: ID, short_id: 'aaaaaaaa', time: '2026-03-01T12:00:00Z', hostname: 'test-host' },
    ...{ paths: ['/mysql/shop.sql'], tags: ['source=shop', 'engine=mysql', 'kind=dump'] },
    ...(recorded ? { summary: { total_bytes_processed: DUMP.length } } : {}),
  };
  const node = { message_type: 'node', type: 'file', path: '/mysql/shop.sql', size: DUMP.length };
  const restic = fakeProgram(
    folder,
    'restic',
    `case "$1" in
      version) echo '{"message_type":"version","version":"0.19.1"}' ;;
      cat) echo '{"id":"${ID}"}' ;;
      snapshots) echo '[${JSON.stringify(snapshot)}]' ;;
      ls) case " $* " in *' /mysql/shop.sql '*) echo '${JSON.stringify(node)}' ;; esac ;;
      dump) echo -n '${gives}' ;;
    esac`,
  );
  const { repository } = testRepository(folder, { restic });
  return exportJob('shop', {
    repository,
    wanted: { id: 'latest', at: null },
    target,
    ledger: { recent: () => [] },
    now: () => new Date('2026-03-02T12:00:00Z'),
    timeoutMs: 60_000,
  }).run(context);
}

describe.each([
  ['its size is recorded in the snapshot', true],
  ['its size is known from its own entry in the tree alone', false],
])('a dump without compression, %s', (_, recorded) => {
  const short = { gives: DUMP.slice(0, -9), recorded };
  const refusal = {
    kind: 'repository_damaged',
    message: `snapshot aaaaaaaa gave ${DUMP.length - 9} bytes of ${DUMP.length}`,
  };

  test('restic gives less and exits 0, into a folder → a failure, and no file', async () => {
    const path = temporaryFolder();
    await expect(exported({ kind: 'folder', path }, short)).rejects.toMatchObject(refusal);
    expect(readdirSync(path)).toEqual([]);
  });

  test('restic gives less and exits 0, into a pipe → a failure after what there was', async () => {
    const stream = new PassThrough();
    await expect(exported({ kind: 'stream', stream }, short)).rejects.toMatchObject(refusal);
  });

  test('restic gives all → it is there', async () => {
    const path = temporaryFolder();
    await exported({ kind: 'folder', path }, { gives: DUMP, recorded });
    expect(readFileSync(join(path, 'shop.sql'), 'utf8')).toBe(DUMP);
    const stream = new PassThrough();
    await exported({ kind: 'stream', stream }, { gives: DUMP, recorded });
    stream.end();
    expect((await buffer(stream)).toString()).toBe(DUMP);
  });
});
