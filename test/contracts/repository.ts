import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Compression } from '../../agent/core/glossary.ts';
import { listedOnce } from '../../agent/jobs/one-listing.ts';
import type {
  FolderToSave,
  Repository,
  Snapshot,
  SnapshotFilter,
} from '../../agent/repository/repository.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { fakeDump, saveRequest } from '../helpers/repository.ts';

const signal = new AbortController().signal;
const MEGABYTE = 1024 * 1024;

/** What every repository promises, wherever it lies: `absent` gives one that does not exist yet, `created` a new empty one. */
export function repositoryContract(
  name: string,
  { absent, created }: { absent: () => Promise<Repository>; created: () => Promise<Repository> },
): void {
  describe(`repository contract: ${name}`, () => {
    test('a location without a repository → absent; creating it gives the id that it has from then on', async () => {
      const repository = await absent();
      await expect(repository.identify(signal)).rejects.toMatchObject({ kind: 'repository_absent' });
      await expect(repository.reach(signal)).rejects.toMatchObject({ kind: 'repository_absent' });
      const id = await repository.create(signal);
      expect(await repository.identify(signal)).toBe(id);
      expect(await repository.reach(signal)).toBe(id);
      await expect(repository.create(signal)).rejects.toMatchObject({ kind: 'repository_failed' });
      expect(await repository.identify(signal)).toBe(id);
    });

    test.each<[Compression, string]>([
      ['gzip', '.gz'],
      ['zstd', '.zst'],
      ['none', ''],
    ])(
      'a good dump stored with %s → one snapshot that reads back byte for byte',
      async (compression, suffix) => {
        const repository = await created();
        const saved = await repository.save(saveRequest(fakeDump(3 * MEGABYTE), { compression }), signal);
        expect(saved).toMatchObject({ path: `/mysql/shop.sql${suffix}`, dumpBytes: 3 * MEGABYTE });
        const [snapshot, ...others] = await repository.list({ source: 'shop', kind: 'dump' }, signal);
        expect(others).toEqual([]);
        expect(snapshot).toMatchObject({
          id: saved.id,
          host: 'test-host',
          path: saved.path,
          bytes: saved.storedBytes,
          tags: { source: 'shop', engine: 'mariadb', kind: 'dump' },
        });
        expect(await readWhole(repository, snapshot!)).toEqual(await dumpWhole(3 * MEGABYTE));
      },
    );

    test('a save that was prepared → stored like any other; cancelled → no snapshot, no lock', async () => {
      const repository = await created();
      const { open, ...target } = saveRequest(fakeDump(MEGABYTE));
      const prepared = repository.prepare(target);
      const { id } = await prepared.save({ open }, signal);
      await prepared.cancel();
      await repository.prepare(target).cancel();
      expect((await repository.list({}, signal)).map((snapshot) => snapshot.id)).toEqual([id]);
      expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
    });

    test('a save that was prepared before there was a repository → stored once there is one', async () => {
      const repository = await absent();
      const { open, ...target } = saveRequest(fakeDump(MEGABYTE));
      const prepared = repository.prepare(target);
      await repository.create(signal);
      const { id } = await prepared.save({ open }, signal);
      expect((await repository.list({}, signal)).map((snapshot) => snapshot.id)).toEqual([id]);
    });

    test.each([
      ['1 %', 0.01],
      ['50 %', 0.5],
      ['99 %', 0.99],
    ])('a dump that dies at %s → no snapshot, no lock, and the next good one is stored', async (_, share) => {
      const repository = await created();
      const dump = fakeDump(8 * MEGABYTE, { dieAt: share * 8 * MEGABYTE });
      await expect(repository.save(saveRequest(dump), signal)).rejects.toThrow('the dump died');
      expect(await repository.list({}, signal)).toEqual([]);
      expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
      await repository.save(saveRequest(fakeDump(MEGABYTE)), signal);
      expect(await repository.list({}, signal)).toHaveLength(1);
    });

    test('the abort of a save → no snapshot, no lock, the reason of the abort as the error', async () => {
      const repository = await created();
      const stop = new AbortController();
      const endless = fakeDump(1e12);
      const saving = repository.save(
        saveRequest(endless, {
          onProgress: ({ dumpBytes }) => dumpBytes > 4 * MEGABYTE && stop.abort(new Error('told to stop')),
        }),
        stop.signal,
      );
      await expect(saving).rejects.toThrow('told to stop');
      expect(await repository.list({}, signal)).toEqual([]);
      expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
    });

    test('retention to one snapshot → the newest stays, the others are gone, the data is pruned, the check is clean', async () => {
      const repository = await created();
      for (const seed of [1, 2, 3]) await repository.save(saveRequest(fakeDump(MEGABYTE, { seed })), signal);
      await repository.save(
        saveRequest(fakeDump(MEGABYTE), { tags: { source: 'other', engine: 'mariadb', kind: 'dump' } }),
        signal,
      );
      const before = await repository.list({ source: 'shop' }, signal);
      const policy = { daily: 1, weekly: 0, monthly: 0, yearly: 0 };

      expect((await repository.preview({ ...policy, within: '1d' }, signal)).removed).toEqual([]);
      const preview = await repository.preview(policy, signal);
      expect(preview.removed.map(({ tags }) => tags?.source)).toEqual(['shop', 'shop']);
      expect(preview.kept.map(({ tags }) => tags?.source).toSorted()).toEqual(['other', 'shop']);
      expect(await repository.list({ source: 'shop' }, signal)).toHaveLength(3);

      const report = await repository.forget(policy, { source: 'shop' }, signal);
      expect(report.kept).toEqual([before.at(-1)?.id]);
      expect(report.removed.toSorted()).toEqual(
        before
          .slice(0, 2)
          .map(({ id }) => id)
          .toSorted(),
      );
      const left = await repository.list({}, signal);
      expect(left.map(({ tags }) => tags?.source)).toEqual(['shop', 'other']);
      const { freedBytes } = await repository.prune(
        left.map(({ id }) => id),
        signal,
      );
      expect(freedBytes).toBeGreaterThan(0);
      for (const part of [1, 2]) await repository.check({ part, of: 2 }, signal);
      await repository.check('all-data', signal);
      expect(await repository.stats(signal)).toMatchObject({ snapshots: 2 });
    });

    test('a prune while a snapshot that must be there is not listed → refused, nothing removed', async () => {
      const repository = await created();
      await expect(repository.prune([], signal)).rejects.toThrow(/the list of snapshots is empty/);
      const { id } = await repository.save(saveRequest(fakeDump(MEGABYTE)), signal);
      await expect(repository.prune([id, 'f'.repeat(64)], signal)).rejects.toThrow(/ffffffff is missing/);
      expect(await repository.list({}, signal)).toHaveLength(1);
    });

    test('a staged folder → one snapshot with its files under their own paths, each read by itself; staged anew elsewhere, unchanged files add nothing', async () => {
      const repository = await created();
      const files = { 'tenant_1.dump': 2 * MEGABYTE, [`a b'c"%$é.dump`]: 3000, '-x.sql': 10 };
      const first = stagedFolder(files);
      const saved = await repository.saveFolder(first, signal);
      expect(saved).toMatchObject({ path: '/postgres/clinic', dumpBytes: first.bytes });
      const [snapshot, ...others] = await repository.list({ source: 'clinic' }, signal);
      expect(others).toEqual([]);
      expect(snapshot).toMatchObject({
        id: saved.id,
        path: '/postgres/clinic',
        bytes: first.bytes,
        tags: first.tags,
        time: '2026-11-01T10:00:00.000Z',
      });
      const stored = await repository.files(snapshot!, signal);
      expect(Object.fromEntries(stored.map(({ path, bytes }) => [path, bytes]))).toEqual(
        Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`/postgres/clinic/${name}`, bytes])),
      );
      for (const file of stored) {
        const content = contentOf(file.path.split('/').at(-1) ?? '', file.bytes);
        expect((await readWhole(repository, { ...snapshot!, ...file })).equals(content)).toBe(true);
      }
      const into = join(temporaryFolder(), 'fetched');
      mkdirSync(into);
      await repository.fetch(snapshot!, { into, names: ['-x.sql', 'absent'] }, signal);
      expect(readdirSync(into)).toEqual(['-x.sql']);
      await repository.fetch(snapshot!, { into, names: null }, signal);
      for (const [name, bytes] of Object.entries(files)) {
        expect(readFileSync(join(into, name)).equals(contentOf(name, bytes))).toBe(true);
      }
      const gone = repository.fetch({ ...snapshot!, id: '0'.repeat(64) }, { into, names: null }, signal);
      await expect(gone).rejects.toThrow();
      const again = await repository.saveFolder(stagedFolder(files), signal);
      expect(again.addedBytes).toBeLessThan(10_000);
    });

    test('a staged folder that holds less than was written, or that is stopped → no snapshot, no lock', async () => {
      const repository = await created();
      const whole = stagedFolder({ 'tenant_1.dump': 30 * MEGABYTE });
      await expect(repository.saveFolder({ ...whole, files: 2 }, signal)).rejects.toThrow(
        /and 2 with \d+ were staged/,
      );
      await expect(repository.saveFolder({ ...whole, bytes: whole.bytes + 1 }, signal)).rejects.toThrow(
        /were staged/,
      );
      const stop = new AbortController();
      const saving = repository.saveFolder(whole, stop.signal);
      stop.abort(new Error('told to stop'));
      await expect(saving).rejects.toThrow('told to stop');
      expect(await repository.list({}, signal)).toEqual([]);
      expect(await repository.clearDeadLocks(signal)).toEqual({ removed: 0, left: 0 });
    });

    test('names with commas, per cent signs, blanks and quotes → found again by their source', async () => {
      const repository = await created();
      const tags = { source: `a,b 100% "q" 'é'=x`, engine: 'postgres', kind: 'globals' } as const;
      await repository.save(
        saveRequest(fakeDump(MEGABYTE), { tags, path: `/postgres/a b"c'%25.dump` }),
        signal,
      );
      const found = await repository.list({ source: tags.source, kind: 'globals' }, signal);
      expect(found.map((snapshot) => snapshot.tags)).toEqual([tags]);
      expect(await repository.list({ source: 'a' }, signal)).toEqual([]);
    });

    test('asked by any filter → the same, listed anew or listed once', async () => {
      const repository = await created();
      const open = fakeDump(1024);
      const tenant = { source: 'a,b', engine: 'postgres', kind: 'tenant', tenant: '7,8 %2C ' } as const;
      await repository.save(saveRequest(open), signal);
      await repository.save(saveRequest(open, { tags: tenant }), signal);
      await repository.save(saveRequest(open, { tags: { ...tenant, tenant: '7' } }), signal);
      const once = listedOnce(repository);
      const filters: SnapshotFilter[] = [
        {},
        { source: 'shop' },
        { source: 'a,b', kind: 'tenant' },
        { source: 'a' },
        { kind: 'dump' },
        { source: 'a,b', tenants: ['7,8 %2C ', '9'] },
        { tenants: ['7'] },
        { tenants: ['7,8 %2C'] },
      ];
      for (const filter of filters)
        expect(await once.list(filter, signal)).toEqual(await repository.list(filter, signal));
      const all = await once.list({}, signal);
      expect(all).toHaveLength(3);
    });
  });
}

async function readWhole(repository: Repository, snapshot: Snapshot): Promise<Buffer> {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const reading = repository.read(snapshot, stop.signal);
  const chunks: Buffer[] = [];
  for await (const chunk of reading.stream) chunks.push(chunk);
  await reading.done;
  return Buffer.concat(chunks);
}

async function dumpWhole(bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of fakeDump(bytes)(signal).stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function stagedFolder(files: Record<string, number>): FolderToSave {
  const staging = join(temporaryFolder(), 'holdfast-staging');
  const path = '/postgres/clinic';
  mkdirSync(join(staging, path), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(staging, path, name), contentOf(name, bytes));
  }
  const sizes = Object.values(files);
  return {
    staging,
    path,
    files: sizes.length,
    bytes: sizes.reduce((total, bytes) => total + bytes, 0),
    tags: { source: 'clinic', engine: 'postgres', kind: 'tenant-set', group: 'high, low' },
    time: new Date('2026-11-01T10:00:00.700Z'),
  };
}

/** Bytes that differ from file to file and do not compress. */
function contentOf(name: string, bytes: number): Buffer {
  return createCipheriv('aes-256-ctr', createHash('sha256').update(name).digest(), Buffer.alloc(16)).update(
    Buffer.alloc(bytes),
  );
}
