import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCompressors } from '../../../agent/process/compress.ts';
import { createPlainFiles } from '../../../agent/repository/plain-files.ts';
import { filesOfSource } from '../../../agent/repository/plain-names.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { streamOf, testProcesses } from '../../helpers/sources.ts';

const { signal } = new AbortController();
const AT = new Date('2026-11-21T15:00:00.700Z');
const STAMP = '20261121T150000Z';

/** The files of a source whose database is `clinic`. */
function filesOf(source: string, folder: string, at = AT, withTenants = [source]) {
  const files = createPlainFiles({
    processes: testProcesses(),
    compressors: createCompressors(() => false),
    spool: { directory: temporaryFolder(), maxBytes: 1024 },
    folder,
    of: filesOfSource({ source, database: 'clinic' }, withTenants),
    at,
  });
  const write = (path: string, text: string) =>
    files.prepare({ path, tags: { source, engine: 'postgres', kind: 'dump' }, compression: 'none' }).save(
      {
        open: () => ({
          stream: streamOf(text),
          done: Promise.resolve({ bytes: text.length, warnings: [] }),
        }),
      },
      signal,
    );
  const remove = (...names: string[]) =>
    files.remove(
      names.map((name) => join(folder, name)),
      signal,
    );
  return { write, remove, rotate: files.rotate };
}

const contentsOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const),
  );

test('two sources whose databases have one name → a file for each', async () => {
  const folder = temporaryFolder();
  for (const source of ['north', 'south']) {
    const { write } = filesOf(source, folder);
    await write('/postgres/clinic.dump', source);
    await write('/postgres/clinic.global.roles.sql', source);
    await write('/postgres/clinic/tenant_42.prelude.sql', source);
  }
  expect(contentsOf(folder)).toEqual({
    [`north_${STAMP}.dump`]: 'north',
    [`north_${STAMP}.global.roles.sql`]: 'north',
    [`north.tenant_42_${STAMP}.prelude.sql`]: 'north',
    [`south_${STAMP}.dump`]: 'south',
    [`south_${STAMP}.global.roles.sql`]: 'south',
    [`south.tenant_42_${STAMP}.prelude.sql`]: 'south',
  });
});

test('a source that is named after its database → its files are too', async () => {
  const folder = temporaryFolder();
  await filesOf('clinic', folder).write('/postgres/clinic/tenant_42.dump', 'x');
  expect(readdirSync(folder)).toEqual([`clinic.tenant_42_${STAMP}.dump`]);
});

test('a file of the name is there → it stays as it is, the dump fails and leaves nothing', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, `clinic_${STAMP}.dump`), 'the first');
  await expect(filesOf('clinic', folder).write('/postgres/clinic.dump', 'the second')).rejects.toThrow(
    /clinic_20261121T150000Z\.dump is there already, and a dump replaces no other/,
  );
  expect(contentsOf(folder)).toEqual({ [`clinic_${STAMP}.dump`]: 'the first' });
});

test('old files are removed → each source and each kind is counted by itself', async () => {
  const folder = temporaryFolder();
  const older = ['south_20261101T030000Z.dump.gz', 'north_20261101T030000Z.dump.gz'];
  const alike = ['north.global_20261101T030000Z.dump', 'notes.txt'];
  for (const name of [...older, ...alike]) writeFileSync(join(folder, name), '');
  const north = filesOf('north', folder);
  await north.write('/postgres/clinic.dump', 'x');
  await north.write('/postgres/clinic.global.dump', 'x');
  expect(await north.rotate(1)).toEqual(['north_20261101T030000Z.dump.gz']);
  expect(readdirSync(folder).sort()).toEqual(
    [...alike, 'south_20261101T030000Z.dump.gz', `north_${STAMP}.dump`, `north_${STAMP}.global.dump`].sort(),
  );
});

test('a tenant of which the prelude alone was written, and one whose dump was taken back → of both every old file stays', async () => {
  const folder = temporaryFolder();
  const kinds = ['dump', 'prelude.sql'];
  const old = (id: string) => kinds.map((kind) => `clinic.tenant_${id}_20261101T030000Z.${kind}`);
  for (const name of ['1', '2', '3'].flatMap(old)) writeFileSync(join(folder, name), '');
  const { write, remove, rotate } = filesOf('clinic', folder);
  for (const id of ['1', '2', '3']) await write(`/postgres/clinic/tenant_${id}.prelude.sql`, 'x');
  for (const id of ['1', '3']) await write(`/postgres/clinic/tenant_${id}.dump`, 'x');
  await remove(`clinic.tenant_3_${STAMP}.prelude.sql`, `clinic.tenant_3_${STAMP}.dump`, 'never-written');
  expect((await rotate(1)).sort()).toEqual(old('1').sort());
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([...old('2'), ...old('3')]));
});

test('a file bears a time that is still to come → what was written just now stays, and one older than it goes', async () => {
  const folder = temporaryFolder();
  for (const time of ['20261101T030000Z', '20270101T030000Z'])
    writeFileSync(join(folder, `shop_${time}.dump`), 'before');
  const { write, rotate } = filesOf('shop', folder);
  await write('/postgres/clinic.dump', 'now');
  expect(await rotate(1)).toEqual(['shop_20261101T030000Z.dump']);
  expect(contentsOf(folder)).toMatchObject({ [`shop_${STAMP}.dump`]: 'now' });
});

test('a source that is called like a tenant of another → neither replaces, rotates or takes away a file of the other', async () => {
  const folder = temporaryFolder();
  const day = (date: string) => new Date(`${date}T15:00:00Z`);
  for (const date of ['2026-11-20', '2026-11-21']) {
    for (const [source, path] of [
      ['north', '/postgres/clinic/tenant_42.dump'],
      ['north.tenant_42', '/postgres/clinic.dump'],
      ['north.tenant_42', '/postgres/clinic/own.dump'],
    ] as const)
      await filesOf(source, folder, day(date), ['north', 'north.tenant_42']).write(path, source);
  }
  const all = contentsOf(folder);
  expect(all).toEqual({
    'north.tenant_42_20261120T150000Z.dump': 'north',
    'north.tenant_42_20261121T150000Z.dump': 'north',
    'north%2Etenant_42_20261120T150000Z.dump': 'north.tenant_42',
    'north%2Etenant_42_20261121T150000Z.dump': 'north.tenant_42',
    'north%2Etenant_42.own_20261120T150000Z.dump': 'north.tenant_42',
    'north%2Etenant_42.own_20261121T150000Z.dump': 'north.tenant_42',
  });
  const tenants = filesOf('north', folder, day('2026-11-22'), ['north']);
  await tenants.write('/postgres/clinic/tenant_42.dump', 'x');
  expect(await tenants.rotate(1)).toEqual([
    'north.tenant_42_20261120T150000Z.dump',
    'north.tenant_42_20261121T150000Z.dump',
  ]);
});

test('a name with a dot that no source with tenants begins → stays as it is', async () => {
  const folder = temporaryFolder();
  await filesOf('shop.eu', folder, AT, ['shop.eu', 'sho', 'shop.eu.west']).write(
    '/postgres/clinic.dump',
    'x',
  );
  expect(readdirSync(folder)).toEqual([`shop.eu_${STAMP}.dump`]);
});

test('a killed run left its half → the next one of that name takes it away, and nothing else', async () => {
  const folder = temporaryFolder();
  const half = (name: string) => `${name}_20261101T030000Z.dump.gz.partial`;
  for (const name of ['clinic', 'clinic.tenant_1', 'clinic.tenant_2', 'shop'])
    writeFileSync(join(folder, half(name)), '');
  writeFileSync(join(folder, 'own.dump.partial'), '');
  const { write } = filesOf('clinic', folder);
  await Promise.all(['clinic.dump', 'clinic/tenant_1.dump'].map((path) => write(`/postgres/${path}`, 'x')));
  expect(readdirSync(folder).sort()).toEqual(
    [
      ...[`clinic_${STAMP}.dump`, `clinic.tenant_1_${STAMP}.dump`],
      ...[half('clinic.tenant_2'), half('shop'), 'own.dump.partial'],
    ].sort(),
  );
});
