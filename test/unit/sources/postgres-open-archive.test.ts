import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openArchive } from '../../../agent/sources/postgres/open-archive.ts';
import { chooseSchema } from '../../../agent/sources/postgres/tenants/choose.ts';
import { streamOf } from '../../helpers/sources.ts';

/** Written by pg_dump into a pipe: tables in two schemas, an empty one, a partition, a large object. */
const read = (name: string) => readFileSync(new URL(`../../fixtures/sources/${name}`, import.meta.url));

function inPieces(archive: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(archive.length / size) }, (_, i) =>
    archive.subarray(i * size, (i + 1) * size),
  );
}

/** The rows of every table, or of those of one schema. */
async function rowsIn(pieces: Buffer[], schema?: string): Promise<Record<string, string>> {
  const { entries, rowsOf } = await openArchive(streamOf(...pieces));
  const rows: Record<string, string> = {};
  for (const entry of entries) {
    if (entry.kind !== 'TABLE DATA' || (schema !== undefined && entry.schema !== schema)) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of rowsOf(entry)) chunks.push(chunk);
    rows[`${entry.schema}.${entry.tag}`] = Buffer.concat(chunks).toString();
  }
  return rows;
}

describe.each(['pg15.dump', 'pg18.dump'])('the archive %s', (name) => {
  const archive = read(name);

  test('in pieces of any size → the same rows, each table ended as COPY ends it', async () => {
    const whole = await rowsIn([archive]);
    expect(Object.keys(whole).sort()).toEqual([
      'Ten ant.orders',
      'public.Customer',
      'public.empty_t',
      'public.part_1',
    ]);
    expect(whole['public.empty_t']).toBe('\\.\n\n\n');
    for (const rows of Object.values(whole)) expect(rows).toMatch(/\\\.\n\n\n$/);
    for (const size of [1, 7, 1000]) expect(await rowsIn(inPieces(archive, size))).toEqual(whole);
    expect(await rowsIn([archive], 'Ten ant')).toEqual({ 'Ten ant.orders': whole['Ten ant.orders'] });
  });

  test('cut anywhere → never fewer rows: they are all there, or it is an error', async () => {
    const whole = await rowsIn([archive]);
    const wrong: number[] = [];
    for (let end = 0; end < archive.length; end += 13) {
      try {
        const rows = await rowsIn([archive.subarray(0, end)]);
        if (JSON.stringify(rows) !== JSON.stringify(whole)) wrong.push(end);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'restore_failed' });
      }
    }
    expect(wrong).toEqual([]);
  });

  test('one schema → what stands in it, and what it needs of others', async () => {
    const { entries } = await openArchive(streamOf(archive));
    const { own, needed } = chooseSchema(entries, 'Ten ant');
    expect(own.map(({ kind, tag }) => `${kind} ${tag}`)).toEqual(
      expect.arrayContaining(['SCHEMA Ten ant', 'TABLE orders', 'TABLE DATA orders']),
    );
    expect(
      own.every(
        (entry) => entry.schema === 'Ten ant' || entry.kind === 'SCHEMA' || entry.tag.includes('Ten ant'),
      ),
    ).toBe(true);
    expect(needed.every(({ schema }) => schema !== 'Ten ant')).toBe(true);
    expect(() => chooseSchema(entries, 'tenant')).toThrow('it holds no schema "tenant"');
  });
});

test('bytes that are no archive → restore_failed', async () => {
  await expect(openArchive(streamOf('-- a plain dump\n'))).rejects.toMatchObject({ kind: 'restore_failed' });
});
