import { expect, test } from 'vitest';
import type { PartKind } from '../../../agent/core/glossary.ts';
import { expiredTenantDumps, keptTenantDumps } from '../../../agent/jobs/upkeep/retention-tenants.ts';
import type { KeepPolicy, Snapshot, SnapshotFilter } from '../../../agent/repository/repository.ts';

const signal = new AbortController().signal;
const USUAL: KeepPolicy = { daily: 7, weekly: 4, monthly: 6, yearly: 0 };
const LONG: KeepPolicy = { daily: 30, weekly: 0, monthly: 12, yearly: 0 };

function snapshot(id: string, kind: PartKind, tenant: string, time = '2026-11-01T03:00:00Z'): Snapshot {
  const tags = { source: 'clinic', engine: 'postgres', kind, tenant };
  return { id, shortId: id, time, path: `/postgres/clinic/tenant_${tenant}.dump.gz`, tags } as Snapshot;
}

/** What a retention does that finds these, of which its own policy would remove the second list. */
async function retain(
  kept: Snapshot[],
  removed: Snapshot[],
  more: { removedByLong?: Snapshot[]; doubt?: string } = {},
) {
  const asked: (SnapshotFilter | undefined)[] = [];
  const settings = {
    repository: {
      preview: async (policy: KeepPolicy, _signal: AbortSignal, filter?: SnapshotFilter) => {
        expect(policy).toEqual(LONG);
        asked.push(filter);
        return { kept: [], removed: more.removedByLong ?? [] };
      },
    },
    keep: USUAL,
    sources: ['clinic'],
    keepOfTenant: (_source: string, { id, schema }: { id: string; schema: string }) => {
      expect(schema).toBe(`tenant_${id}`);
      return id.startsWith('big') ? LONG : USUAL;
    },
    keepOfGroup: (_source: string, group: string | null) => (group === 'big' ? LONG : USUAL),
    now: () => new Date('2026-11-21T00:00:00Z'),
    tenantDoubt: () => more.doubt ?? null,
  };
  const { expired, findings } = await expiredTenantDumps({ kept, removed }, settings, signal);
  const stays = keptTenantDumps({ kept, removed }, expired, ['clinic']);
  return { expired: expired.map(({ id }) => id), stays: stays.map(({ id }) => id), asked, findings };
}

test('dumps of tenants without a group of their own → go by the policy of everything, without a further question', async () => {
  const { expired, stays, asked } = await retain(
    [snapshot('a', 'tenant', '1')],
    [snapshot('b', 'tenant-prelude', '1')],
  );
  expect({ expired, stays, asked }).toEqual({ expired: ['b'], stays: ['a'], asked: [] });
});

test('a group that keeps longer → is asked for by its tenants, and only what its policy removes of them goes', async () => {
  const [old, older] = [snapshot('old', 'tenant', 'big1'), snapshot('older', 'tenant', 'big2')];
  const { expired, stays, asked } = await retain([], [old, older, snapshot('small', 'tenant', '1')], {
    removedByLong: [older, snapshot('asked', 'on-demand', 'big1')],
  });
  expect(asked).toEqual([{ source: 'clinic', tenants: ['big1', 'big2'] }]);
  expect(expired.toSorted()).toEqual(['older', 'small']);
  expect(stays).toEqual(['old']);
});

test('a dump on demand → kept for thirty days whatever the policy says, and then gone', async () => {
  const young = snapshot('young', 'on-demand', '1', '2026-10-23T00:00:00Z');
  const old = snapshot('old', 'on-demand-prelude', '1', '2026-10-21T00:00:00Z');
  const { expired, stays } = await retain([old], [young]);
  expect({ expired, stays }).toEqual({ expired: ['old'], stays: ['young'] });
});

test('a tenant of another source → left alone', async () => {
  const foreign = snapshot('x', 'tenant', '1');
  const { expired, stays } = await retain([], [{ ...foreign, tags: { ...foreign.tags!, source: 'other' } }]);
  expect({ expired, stays }).toEqual({ expired: [], stays: [] });
});

test('snapshots of many tenants → go by the policy of their group, and without one by that of everything', async () => {
  const set = (id: string, group?: string) => {
    const one = snapshot(id, 'tenant-set', '');
    const tags = { source: 'clinic', engine: 'postgres', kind: 'tenant-set' as const };
    return { ...one, tags: group === undefined ? tags : { ...tags, group } };
  };
  const [old, older] = [set('old', 'big'), set('older', 'big')];
  const { expired, stays, asked } = await retain([set('young')], [old, older, set('usual')], {
    removedByLong: [older],
  });
  expect(asked).toEqual([{ source: 'clinic', kind: 'tenant-set' }]);
  expect(expired.toSorted()).toEqual(['older', 'usual']);
  expect(stays.toSorted()).toEqual(['old', 'young']);
});

test('one of the tenants failed when it was dumped last → none is removed, and it is said; what was asked for stays behind its month, too', async () => {
  const set = {
    ...snapshot('set', 'tenant-set', ''),
    tags: { source: 'clinic', engine: 'postgres', kind: 'tenant-set' as const },
  };
  const old = snapshot('old', 'on-demand', '1', '2026-10-01T00:00:00Z');
  const { expired, stays, findings } = await retain([old], [set, snapshot('b', 'tenant', '1')], {
    doubt: 'tenant 42 failed in its newest backup, of T',
  });
  expect({ expired, stays }).toEqual({ expired: [], stays: ['old', 'set', 'b'] });
  expect(findings).toEqual([
    'no dumps of tenants of clinic were removed, though some could go: tenant 42 failed in its newest backup, of T',
  ]);
});
