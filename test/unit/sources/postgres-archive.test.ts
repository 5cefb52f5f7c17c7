import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createArchiveFilter } from '../../../agent/sources/postgres/archive.ts';
import { peekContents } from '../../../agent/sources/postgres/archive-contents.ts';
import { requireWhole } from '../../../agent/sources/postgres/directory/check.ts';
import { watchTables } from '../../../agent/sources/postgres/watch-tables.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** Written by pg_dump 15 and 18 into a pipe: tables in two schemas, an empty one, a partition, a large object. */
const read = (name: string) => readFileSync(new URL(`../../fixtures/sources/${name}`, import.meta.url));
const TABLES = ['Ten ant.orders', 'public.Customer', 'public.empty_t', 'public.part_1'];
const EMPTY = ['public.empty_t'];

/** What pg_dump 16 writes (format 1.15): the compression is one byte there instead of a number. */
function asFormat15(archive: Buffer): Buffer {
  const newer = Buffer.concat([archive.subarray(0, 11), Buffer.of(0), archive.subarray(16)]);
  newer[6] = 15;
  return newer;
}

const ARCHIVES: [string, Buffer][] = [
  ['1.14', read('pg15.dump')],
  ['1.15', asFormat15(read('pg15.dump'))],
  ['1.16', read('pg18.dump')],
];

function pass(pieces: Buffer[]) {
  const filter = createArchiveFilter();
  const out = [...pieces.flatMap((piece) => filter.push(Buffer.from(piece))), ...filter.end()];
  return { filter, bytes: Buffer.concat(out) };
}

function inPieces(archive: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(archive.length / size) }, (_, i) =>
    archive.subarray(i * size, (i + 1) * size),
  );
}

describe.each(ARCHIVES)('an archive of format %s', (_, archive) => {
  test('whole → it is, its tables are known, and only its date has changed', () => {
    const { filter, bytes } = pass([archive]);
    filter.requireEnd();
    expect([...filter.tables]).toEqual(TABLES);
    expect([...filter.empty]).toEqual(EMPTY);
    expect(bytes.length).toBe(archive.length);
    const changed = [...bytes.keys()].filter((i) => bytes[i] !== archive[i]);
    expect(Math.max(...changed, 0)).toBeLessThan(60);
  });

  test('two dates → equal bytes', () => {
    const later = Buffer.from(archive);
    const date = archive[6] === 14 ? 16 : 12;
    for (let i = 0; i < 7; i += 1) later[date + i * 5 + 1] = 9;
    expect(later.equals(archive)).toBe(false);
    expect(pass([later]).bytes.equals(pass([archive]).bytes)).toBe(true);
  });

  test('cut at any byte → is never taken for whole', () => {
    // One expectation for all of them: thousands of calls of `expect` would take seconds.
    const takenForWhole = Array.from({ length: archive.length }, (_, end) => end).filter((end) => {
      const { filter } = pass([archive.subarray(0, end)]);
      try {
        filter.requireEnd();
        return true;
      } catch (error) {
        return !(error as Error).message.includes('is not whole');
      }
    });
    expect(takenForWhole).toEqual([]);
  });

  test.each([1, 2, 3, 5, 7, 64, 1021])(
    'in chunks of %d bytes → the same bytes and the same answer',
    (size) => {
      const { filter, bytes } = pass(inPieces(archive, size));
      filter.requireEnd();
      expect([...filter.tables]).toEqual(TABLES);
      expect([...filter.empty]).toEqual(EMPTY);
      expect(bytes.equals(pass([archive]).bytes)).toBe(true);
    },
  );

  test('more bytes behind its end → is not whole', () => {
    expect(() => pass([archive, Buffer.from('more of it')]).filter.requireEnd()).toThrow('is not whole');
  });
});

test('no archive at all → dump_incomplete', () => {
  expect(() => pass([Buffer.alloc(5000, 'x')])).toThrow('no archive of pg_dump');
});

describe('a format that is not known yet', () => {
  const newer = Buffer.from(ARCHIVES[2]![1]);
  newer[6] = 17;
  const refusal = {
    kind: 'dump_incomplete',
    message: 'whether the dump is whole cannot be told: pg_dump wrote it in its format 1.17',
    hint: 'Update Holdfast: this one reads what pg_dump 12 to 18 write.',
  };

  test('as a stream → refused at its head, never taken for whole', () => {
    const filter = createArchiveFilter();
    expect(() => filter.push(newer)).toThrow(expect.objectContaining(refusal) as Error);
    expect(() => filter.requireEnd()).toThrow('is not whole');
  });

  test('as a folder → refused', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'toc.dat'), newer);
    await expect(requireWhole(folder)).rejects.toMatchObject(refusal);
  });

  test('that is loaded → passes as it is, for pg_restore to judge', () => {
    const told: string[] = [];
    const filter = watchTables([], ({ name }) => told.push(name));
    expect(Buffer.concat([...filter.push(newer), ...filter.end()]).equals(newer)).toBe(true);
  });
});

describe.each(ARCHIVES)('an archive of format %s that is loaded', (_, archive) => {
  const watched = async (choose: (schema: string) => boolean, pieces: Buffer[]) => {
    const { entries } = await peekContents(
      (async function* () {
        yield archive;
      })(),
    );
    const told: string[] = [];
    const filter = watchTables(
      (entries ?? []).filter(({ schema }) => choose(schema)),
      ({ name, number, of }) => told.push(`${number} of ${of}: ${name}`),
    );
    const out = [...pieces.flatMap((piece) => filter.push(piece)), ...filter.end()];
    return { told, unchanged: Buffer.concat(out).equals(Buffer.concat(pieces)) };
  };

  test.each([1, 7, 100_000])(
    'in pieces of %d bytes → each table is told as it begins, and nothing is changed',
    async (size) => {
      const { told, unchanged } = await watched(() => true, inPieces(archive, size));
      expect(told.map((text) => text.slice('1 of 4: '.length)).toSorted()).toEqual(TABLES);
      expect(told.map((text) => text.slice(0, '1 of 4: '.length))).toEqual(
        [1, 2, 3, 4].map((n) => `${n} of 4: `),
      );
      expect(unchanged).toBe(true);
    },
  );

  test('of which some are chosen → those are told', async () => {
    const { told } = await watched((schema) => schema === 'Ten ant', [archive]);
    expect(told).toEqual(['1 of 1: Ten ant.orders']);
  });

  test('that breaks off, or is none → handed on as it is: pg_restore says what is wrong', async () => {
    const broken = [archive.subarray(0, archive.length - 100), Buffer.from('no archive at all')];
    expect((await watched(() => true, broken)).unchanged).toBe(true);
    expect((await watched(() => true, [Buffer.alloc(5000, 7)])).unchanged).toBe(true);
  });
});
