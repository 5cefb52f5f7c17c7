import { expect, test } from 'vitest';
import type { Notes } from '../../../agent/jobs/init.ts';
import { dropAllKept, rememberKeptSchema } from '../../../agent/jobs/restore/kept-schema.ts';
import type { Source } from '../../../agent/sources/source.ts';
import type { Tenants } from '../../../agent/sources/tenants.ts';

const { signal } = new AbortController();
const now = new Date('2026-11-08T15:00:00Z');
const OLD = 'tenant_42_old_20261101_150000';
const YOUNG = 'tenant_42_old_20261102_150000';
const NOTED_BY_NOBODY = 'tenant_43_old_20260101_000000';

/** A database with these schemas, and what restores have noted of its source. */
function clinicWith(...schemas: string[]) {
  const notes = new Map<string, string>();
  const kept: Notes = {
    remember: (key, value) => void notes.set(key, value),
    recall: (key) => notes.get(key) ?? null,
  };
  const there = new Set(schemas);
  const tenants = {
    existing: async (names: string[]) => names.filter((name) => there.has(name)),
    drop: async (name: string) => void there.delete(name),
  } as unknown as Tenants;
  // None of its databases was ever replaced, so the source itself is not asked.
  const source = { name: 'clinic' } as Source;
  const drop = async (all: boolean, at = now) =>
    (await dropAllKept({ source, tenants }, kept, { now: at, all }, signal)).dropped;
  const note = (name: string, at: string) => rememberKeptSchema(kept, 'clinic', { name, at });
  return { drop, note, there: () => [...there] };
}

test('replaced seven days ago, and six → the first one alone is dropped, and the other when its week has passed', async () => {
  const { drop, note, there } = clinicWith('tenant_42', OLD, YOUNG);
  note(OLD, '2026-11-01T15:00:00.000Z');
  note(YOUNG, '2026-11-02T15:00:00.000Z');
  expect(await drop(false, new Date('2026-11-08T14:59:59Z'))).toEqual([]);
  expect(await drop(false)).toEqual([OLD]);
  expect(there()).toEqual(['tenant_42', YOUNG]);
  expect(await drop(false)).toEqual([]);
  expect(await drop(false, new Date('2026-11-09T15:00:00Z'))).toEqual([YOUNG]);
});

test.each([[false], [true]])(
  'a schema of our form that no restore noted, and a noted one of another form (all: %s) → never dropped',
  async (all) => {
    const { drop, note, there } = clinicWith('tenant_42', NOTED_BY_NOBODY);
    note('tenant_42', '2026-01-01T00:00:00.000Z');
    expect(await drop(all)).toEqual([]);
    expect(there()).toEqual(['tenant_42', NOTED_BY_NOBODY]);
  },
);

test('noted by a restore that was killed before its swap → nothing to drop, and it is forgotten', async () => {
  const { drop, note, there } = clinicWith('tenant_42');
  note(OLD, '2026-11-01T15:00:00.000Z');
  expect(await drop(false)).toEqual([]);
  expect(await drop(true)).toEqual([]);
  expect(there()).toEqual(['tenant_42']);
});
