import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createArchiveFilter } from '../../../agent/sources/postgres/archive.ts';
import { peekContents } from '../../../agent/sources/postgres/archive-contents.ts';
import { createArchiveFiles } from '../../../agent/sources/postgres/tenant-sets/archive-files.ts';
import { createEntryOwners } from '../../../agent/sources/postgres/tenant-sets/owners-of-entries.ts';
import { createSplitter } from '../../../agent/sources/postgres/tenant-sets/split.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { streamOf } from '../../helpers/sources.ts';

interface Entry {
  id: number;
  kind: string;
  schema?: string;
  tag: string;
  dependencies?: number[];
  rows?: string[];
}

/** Two schemas, whose tables lie between each other, rights on one, and an extension that lives in the other. */
const SHARED = [entry(2, 'ENCODING', 'ENCODING'), entry(9, 'DATABASE', 'clinic')];
const ONE = [
  entry(5, 'SCHEMA', 'tenant_1'),
  { ...entry(30, 'TABLE', 'a'), schema: 'tenant_1', dependencies: [5, 4000] },
  {
    ...entry(71, 'TABLE DATA', 'a'),
    schema: 'tenant_1',
    dependencies: [30],
    rows: ['1\t\u00e9\n', '2\tx\n'],
  },
  { ...entry(90, 'ACL', 'SCHEMA tenant_1'), dependencies: [5] },
  { ...entry(95, 'FK CONSTRAINT', 'a b'), schema: 'tenant_1', dependencies: [5, 30] },
];
const TWO = [
  entry(6, 'SCHEMA', 'o"d'),
  entry(7, 'EXTENSION', 'trgm'),
  { ...entry(31, 'TABLE', 'a'), schema: 'o"d', dependencies: [6] },
  { ...entry(70, 'TABLE DATA', 'a'), schema: 'o"d', dependencies: [31], rows: ['x'.repeat(3000), ''] },
  { ...entry(91, 'COMMENT', 'EXTENSION trgm'), dependencies: [7] },
];

function entry(id: number, kind: string, tag: string): Entry {
  return { id, kind, tag };
}

async function split(archive: Buffer, chunk: number, extensions = new Map([['trgm', 1]])) {
  const folder = temporaryFolder();
  const paths = ['one', 'two'].map((name) => join(folder, name));
  const schemas = new Map([
    ['tenant_1', 0],
    ['o"d', 1],
  ]);
  const files = createArchiveFiles(paths, createEntryOwners(schemas, extensions), join(folder, 'spool'));
  const splitter = createSplitter(files.sink);
  for (let at = 0; at < archive.length; at += chunk) {
    splitter.push(Buffer.from(archive.subarray(at, at + chunk)));
    await files.drain();
  }
  const sizes = await files.end();
  expect(readdirSync(folder).toSorted()).toEqual(['one', 'two']);
  const bytes = paths.map((path) => readFileSync(path));
  expect(sizes).toEqual(bytes.map(({ length }) => length));
  return bytes;
}

test.each([1, 7, 1000, 1e6])(
  'an archive of two schemas that comes %i bytes at a time → one for each, whole, with its own alone',
  async (chunk) => {
    const archive = archiveOf([...SHARED, ...interleaved(ONE, TWO)]);
    const parts = await split(archive, chunk);
    for (const [i, own] of [ONE, TWO].entries()) {
      const filter = createArchiveFilter();
      filter.push(Buffer.from(parts[i]!));
      filter.end();
      filter.requireEnd();
      const { entries } = await peekContents(streamOf(parts[i]!));
      expect(entries?.map(({ tag }) => tag)).toEqual([...SHARED, ...own].map(({ tag }) => tag));
      expect(entries?.map(({ id }) => id)).toEqual(entries?.map((_, number) => number + 1));
      const byId = new Map(entries?.map((one) => [one.id, one.tag]));
      // What another archive holds is no dependency of this one.
      const told = own.map(({ dependencies = [] }) =>
        dependencies.flatMap((id) => own.find((one) => one.id === id)?.tag ?? []),
      );
      expect(entries?.slice(2).map(({ dependencies }) => dependencies.map((id) => byId.get(id)))).toEqual(
        told,
      );
      for (const row of own.flatMap(({ rows = [] }) => rows)) expect(parts[i]!.includes(row)).toBe(true);
      const others = [ONE, TWO][1 - i]!.flatMap(({ rows = [] }) => rows).filter((row) => row !== '');
      for (const row of others) expect(parts[i]!.includes(row)).toBe(false);
    }
  },
);

test('other numbers of the same objects, and dependencies in another order → the same bytes', async () => {
  const shifted = (entries: Entry[]) =>
    entries.map((one) => ({
      ...one,
      id: one.id + 1000,
      dependencies: (one.dependencies ?? []).map((id) => id + 1000).toReversed(),
    }));
  const before = await split(archiveOf([...SHARED, ...interleaved(ONE, TWO)]), 500);
  const after = await split(archiveOf(shifted([...SHARED, ...interleaved(ONE, TWO)])), 900);
  expect(after.map((part, i) => part.equals(before[i]!))).toEqual([true, true]);
});

test('an entry of nobody known, data of nothing, a block of another type → refused', async () => {
  const whole = archiveOf([...SHARED, ...ONE, ...TWO]);
  await expect(split(whole, 1e6, new Map())).rejects.toThrow(/EXTENSION trgm is no tenant's/);
  await expect(split(Buffer.concat([whole, Buffer.from([1]), int(5555)]), 1e6)).rejects.toThrow(/of nothing/);
  await expect(split(Buffer.concat([whole, Buffer.from([3])]), 1e6)).rejects.toThrow(/block of type 3/);
  const newer = Buffer.from(whole);
  newer[6] = 99;
  await expect(split(newer, 1e6)).rejects.toThrow(/not known/);
});

/** As pg_dump sorts them: schemas, tables, data. */
function interleaved(one: Entry[], other: Entry[]): Entry[] {
  return [...one, ...other].toSorted((a, b) => a.id - b.id);
}

function archiveOf(entries: Entry[]): Buffer {
  const head = Buffer.concat([Buffer.from('PGDMP'), Buffer.from([1, 15, 0, 4, 8, 1, 0])]);
  const date = Array.from({ length: 7 }, () => int(0));
  const contents = entries.map(({ id, kind, schema, tag, dependencies = [], rows }) =>
    Buffer.concat([
      ...[
        int(id),
        int(rows === undefined ? 0 : 1),
        text('1259'),
        text('16384'),
        text(tag),
        text(kind),
        int(2),
      ],
      ...[text(`MAKE ${tag}`), text(''), text(''), text(schema ?? null), text(null), text(null)],
      ...[text('boss'), text('false'), ...dependencies.map((one) => text(String(one))), text(null)],
      Buffer.alloc(9),
    ]),
  );
  const blocks = entries.flatMap(({ id, rows }) =>
    rows === undefined
      ? []
      : [Buffer.from([1]), int(id), ...rows.filter((row) => row !== '').map((row) => text(row)), int(0)],
  );
  return Buffer.concat([
    ...[head, ...date, text('clinic'), text('17'), text('17'), int(entries.length)],
    ...[...contents, ...blocks],
  ]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE(Math.abs(value), 1);
  if (value < 0) bytes[0] = 1;
  return bytes;
}

function text(value: string | null): Buffer {
  if (value === null) return int(-1);
  const bytes = Buffer.from(value);
  return Buffer.concat([int(bytes.length), bytes]);
}
