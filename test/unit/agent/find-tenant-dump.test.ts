import { expect, test } from 'vitest';
import type { PartKind } from '../../../agent/core/glossary.ts';
import { findTenantDump, type TenantDump } from '../../../agent/jobs/find-tenant-dump.ts';
import { findForTables } from '../../../agent/jobs/restore/find-for-tables.ts';
import type { Repository, Snapshot, SnapshotFilter } from '../../../agent/repository/repository.ts';

const { signal } = new AbortController();
const PATH = '/postgres/clinic/tenant_42.dump';
const TENANT = { source: 'clinic', id: '42', schema: 'tenant_42', path: PATH };
const known = { ledger: { recent: () => [] }, now: () => new Date('2026-11-21T12:00:00Z') };

interface Stored {
  id: string;
  kind: PartKind;
  /** Of November, as `16T03:00`. */
  at: string;
  /** Whether tenant 42 is in it. */
  holds?: boolean;
  tenant?: string;
}

const full = (id: string, at: string, holds = true): Stored => ({ id, kind: 'dump', at, holds });
const set = (id: string, at: string, holds = true): Stored => ({ id, kind: 'tenant-set', at, holds });
const own = (id: string, at: string, tenant = '42', kind: PartKind = 'on-demand'): Stored => ({
  ...{ id, kind, at, tenant },
});

/** A repository that lists these, oldest first, and what was asked of it. */
function holding(...stored: Stored[]) {
  const snapshots = stored.map(
    ({ id, kind, at, tenant }) =>
      ({
        ...{ id, originalId: id, shortId: id, time: `2026-11-${at}:00.000Z`, bytes: 1 },
        path: kind === 'tenant-set' ? '/postgres/clinic' : PATH,
        tags: { source: 'clinic', engine: 'postgres', kind, ...(tenant === undefined ? {} : { tenant }) },
      }) as Snapshot,
  );
  const holds = (id: string) => stored.some((one) => one.id === id && one.holds === true);
  const repository = {
    list: async ({ kind }: SnapshotFilter) =>
      snapshots.filter(({ tags }) => kind === undefined || tags?.kind === kind),
    files: async ({ id }: Snapshot) => (holds(id) ? [{ path: PATH, bytes: 7 }] : []),
    hosts: async () => [],
  } as unknown as Repository;
  const looked: string[] = [];
  const look = async ({ snapshot }: TenantDump) => {
    looked.push(snapshot.id);
    return holds(snapshot.id);
  };
  const find = async (id = 'latest', at: string | null = null, replaces = false) => {
    const wanted = { id, at: at === null ? null : new Date(`2026-11-${at}:00Z`) };
    const { snapshot, note } = await (
      await findTenantDump(repository, TENANT, wanted, known, signal)
    ).holding(look, { replaces });
    return { id: snapshot.id, path: snapshot.path, note };
  };
  const tables = async (id = 'latest') => {
    const found = await findForTables(repository, TENANT, { id, at: null }, known, signal);
    return { id: found.snapshot.id, note: found.note };
  };
  return { find, looked, tables };
}

test('the newest backup of everything holds it → that one, and nothing else is looked into', async () => {
  const { find, looked } = holding(full('mon', '16T03:00'), full('tue', '17T03:00'));
  expect(await find()).toEqual({ id: 'tue', path: PATH, note: null });
  expect(looked).toEqual(['tue']);
});

test.each([
  ['a set', set('later', '17T04:00')],
  ['its own', own('later', '17T04:00')],
  ['its own by schedule', own('later', '17T04:00', '42', 'tenant')],
])('%s is newer than the newest of everything → that one, in its own file', async (_, later) => {
  const { find, looked } = holding(full('mon', '16T03:00'), full('tue', '17T03:00'), later);
  expect(await find()).toEqual({ id: 'later', path: PATH, note: null });
  expect(looked).toEqual([]);
});

test('a newer set without it, and one of another tenant → they say nothing of it', async () => {
  const { find } = holding(
    full('tue', '17T03:00'),
    set('group', '17T04:00', false),
    own('x', '17T05:00', '43'),
  );
  expect(await find()).toEqual({ id: 'tue', path: PATH, note: null });
});

test('the newest of everything lacks it → the newest older one that holds it, and why it is none of the newer ones', async () => {
  const { find, looked } = holding(
    full('mon', '16T03:00'),
    full('tue', '17T03:00'),
    full('wed', '18T03:00', false),
    full('thu', '19T03:00', false),
  );
  expect(await find()).toEqual({
    id: 'tue',
    path: PATH,
    note: 'tue of 2026-11-17T03:00:00Z is not the newest, but the newest that holds tenant 42: it is not in thu of 2026-11-19T03:00:00Z, wed of 2026-11-18T03:00:00Z',
  });
  expect(looked).toEqual(['thu', 'wed', 'tue']);
});

test.each([
  ['a set', set('between', '17T12:00')],
  ['a dump on demand', own('between', '17T12:00')],
])(
  '%s lies between one of everything that holds it and those that lack it → that one',
  async (_, between) => {
    const lacking = ['18T03:00', '19T03:00', '20T03:00', '21T03:00'].map((at) => full(`no-${at}`, at, false));
    const { find, looked } = holding(full('tue', '17T03:00'), between, ...lacking);
    const { id, note } = await find();
    expect(id).toBe('between');
    expect(note).toMatch(/it is not in no-21T03:00 of \S+, no-20T03:00 of \S+, no-19T03:00 of \S+, 1 more$/);
    expect(looked).not.toContain('tue');
  },
);

test('an older one would take the place of what lives → refused, with the command that takes it; the newest is taken, and one that is named', async () => {
  const { find } = holding(full('mon', '16T03:00'), full('tue', '17T03:00', false));
  await expect(find('latest', null, true)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(
      /^the schema "tenant_42" is there, .*mon of 2026-11-16T03:00:00Z is not the newest, .*; nothing was changed$/,
    ) as string,
    hint: expect.stringContaining('`holdfast restore clinic --tenant 42 --snapshot mon`') as string,
  });
  expect((await find('mon', null, true)).id).toBe('mon');
  expect((await find('latest', '16T04:00', true)).id).toBe('mon');
  await expect(holding(full('tue', '17T03:00', false)).find('latest', null, true)).rejects.toMatchObject({
    kind: 'snapshot_absent',
  });
});

test('none holds it → said so, with how many were looked into', async () => {
  const { find } = holding(full('mon', '16T03:00', false), full('tue', '17T03:00', false));
  await expect(find()).rejects.toMatchObject({
    kind: 'snapshot_absent',
    message:
      'the repository holds no snapshot of clinic with tenant 42 (2 backups of everything looked into)',
  });
  await expect(holding(set('s', '16T03:00', false)).find()).rejects.toMatchObject({
    kind: 'snapshot_absent',
  });
});

test('there is none of everything → the newest set or own dump', async () => {
  const { find } = holding(own('first', '15T03:00'), set('s', '16T03:00'), set('t', '17T03:00', false));
  expect(await find()).toEqual({ id: 's', path: PATH, note: null });
});

test('as of a time → the newest that was there then and holds it, and nothing that came later', async () => {
  const { find } = holding(
    full('mon', '16T03:00'),
    set('noon', '16T12:00'),
    full('tue', '17T03:00', false),
    full('wed', '18T03:00'),
  );
  expect((await find('latest', '16T10:00')).id).toBe('mon');
  expect((await find('latest', '16T13:00')).id).toBe('noon');
  expect(await find('latest', '17T10:00')).toMatchObject({
    id: 'noon',
    note: expect.stringMatching(/it is not in tue of /) as string,
  });
  await expect(find('latest', '15T00:00')).rejects.toMatchObject({ kind: 'snapshot_absent' });
});

test('a clock was ahead → a dump whose time has not come is none of the newest, nor of the older ones', async () => {
  const { find } = holding(full('mon', '16T03:00', false), own('ahead', '30T03:00'), full('far', '30T04:00'));
  await expect(find()).rejects.toMatchObject({ kind: 'snapshot_absent' });
});

test('one is named → that one, or that it is not in there; no other is taken for it', async () => {
  const { find } = holding(
    full('aaa', '16T03:00'),
    set('bbb', '16T04:00', false),
    full('ccc', '17T03:00', false),
  );
  expect((await find('aa')).id).toBe('aaa');
  await expect(find('ccc')).rejects.toMatchObject({
    kind: 'usage',
    message: 'ccc holds no schema "tenant_42"',
  });
  await expect(find('bbb')).rejects.toThrow('bbb does not hold tenant 42');
  await expect(find('zzz')).rejects.toThrow('the repository holds no snapshot zzz of clinic');
});

test('its tables, and a newer dump of the tenant alone → out of the newest of everything, and the other is told', async () => {
  const { tables } = holding(
    full('mon', '16T03:00'),
    set('noon', '16T12:00'),
    set('late', '16T13:00', false),
  );
  expect(await tables()).toEqual({
    id: 'mon',
    note: '--tables takes tables out of backups of everything: the newer dump noon of 2026-11-16T12:00:00Z, of tenants alone, is passed over; `holdfast restore clinic --tenant 42` takes it, for the whole tenant',
  });
  expect(await holding(set('older', '15T03:00'), full('mon', '16T03:00')).tables()).toEqual({
    id: 'mon',
    note: null,
  });
});

test('its tables out of a set or a dump of its own that is named → refused, with what restores the whole tenant', async () => {
  const { tables } = holding(full('mon', '16T03:00'), set('noon', '16T12:00'), own('own', '16T13:00'));
  for (const id of ['noon', 'own'])
    await expect(tables(id)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(`${id} is a dump of tenants alone, and --tables takes`) as string,
      hint: expect.stringContaining(`--tenant 42 --snapshot ${id}`) as string,
    });
  expect((await tables('mon')).id).toBe('mon');
});
