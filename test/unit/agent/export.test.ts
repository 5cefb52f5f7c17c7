import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exportJob, type ExportSettings } from '../../../agent/jobs/restore/export.ts';
import type { Run } from '../../../agent/ledger/ledger.ts';
import type { Repository, Snapshot } from '../../../agent/repository/repository.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };

/** A repository with one dump, of which the ledger knows nothing. */
function holding(bytes: number): Omit<ExportSettings, 'target'> {
  const snapshot = {
    id: 'abc',
    shortId: 'abc',
    time: '2026-03-01T12:00:00.000Z',
    path: '/mysql/shop.sql.gz',
    tags: { source: 'shop', engine: 'mysql', kind: 'dump' },
    bytes,
  } as Snapshot;
  const repository = {
    identify: async () => 'id',
    list: async () => [snapshot],
    read: () => ({
      stream: (async function* () {
        yield Buffer.from('the end of the dump');
      })(),
      done: Promise.resolve(),
    }),
  } as unknown as Repository;
  return {
    repository,
    wanted: { id: 'latest', at: null },
    ledger: { recent: () => [] },
    now: () => new Date('2026-03-02T12:00:00Z'),
    timeoutMs: 60_000,
  };
}

test('the reader of a restored dump has not taken its end yet → the restore is not done', async () => {
  let take: () => void = () => undefined;
  const reader = new Writable({ write: (_chunk, _encoding, taken) => void (take = taken) });
  let ended = false;
  const run = exportJob('shop', { ...holding(19), target: { kind: 'stream', stream: reader } })
    .run(context)
    .finally(() => (ended = true));
  for (let i = 0; i < 20; i += 1) await turn();
  expect(ended).toBe(false);
  const taking = setInterval(() => take(), 1);
  await run;
  clearInterval(taking);
});

const MORE_THAN_ANY_DISK = 1e18;

test('the folder has less room than the packed file takes already → refused with both numbers, and nothing is written', async () => {
  const folder = temporaryFolder();
  const target = { kind: 'folder', path: folder } as const;
  await expect(
    exportJob('shop', { ...holding(MORE_THAN_ANY_DISK), target }).run(context),
  ).rejects.toMatchObject({
    kind: 'target_full',
    message: expect.stringMatching(/ free, and abc takes more than 990 PB there$/) as string,
  });
  expect(existsSync(join(folder, 'shop.sql'))).toBe(false);
});

test('the ledger knows how large the dump is unpacked → that is what has to fit', async () => {
  const target = { kind: 'folder', path: temporaryFolder() } as const;
  const stored = { facts: { snapshotId: 'abc', dumpBytes: MORE_THAN_ANY_DISK } } as Run;
  const settings = { ...holding(19), ledger: { recent: () => [stored] }, target };
  await expect(exportJob('shop', settings).run(context)).rejects.toMatchObject({ kind: 'target_full' });
});

test('it fits, and a killed one left its half there → it is taken away, and the file is whole', async () => {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'shop.sql.partial'), 'half');
  const { reason } = await exportJob('shop', {
    ...holding(19),
    target: { kind: 'folder', path: folder },
  }).run(context);
  expect(reason).toMatch(/^wrote abc .* to .*shop\.sql, 19 B$/);
  expect(existsSync(join(folder, 'shop.sql.partial'))).toBe(false);
});

test('a set of tenants is asked for → a folder of its files, and no stream', async () => {
  const { repository, ...settings } = holding(19);
  const set = {
    ...(await repository.list({}, context.signal))[0]!,
    path: '/postgres/clinic',
    tags: { source: 'clinic', engine: 'postgres', kind: 'tenant-set' as const },
  };
  const wanted = { id: 'abc', at: null };
  const ofSet: ExportSettings['repository'] = {
    ...repository,
    list: async ({ kind }) => (kind === 'dump' ? [] : [set]),
    fetch: async (_snapshot, { into }) => writeFileSync(join(into, 'tenant_42.dump'), 'x'),
  };
  const folder = temporaryFolder();
  const job = (target: ExportSettings['target']) =>
    exportJob('clinic', { ...settings, repository: ofSet, wanted, target });
  await job({ kind: 'folder', path: folder }).run(context);
  expect(existsSync(join(folder, 'clinic', 'tenant_42.dump'))).toBe(true);
  await expect(job({ kind: 'stream', stream: new Writable() }).run(context)).rejects.toThrow(
    /abc holds a folder of files, which is no stream/,
  );
});
