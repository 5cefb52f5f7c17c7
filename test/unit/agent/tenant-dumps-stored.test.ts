import { expect, test } from 'vitest';
import { tenantDumpsStored } from '../../../agent/jobs/tenant-dumps-stored.ts';
import type { Repository } from '../../../agent/repository/repository.ts';

const path = (id: string) => `/postgres/clinic/tenant_${id}.dump`;
const set = (id: string, time: string) => ({ id, originalId: id, time, tags: { kind: 'tenant-set' } });

test('one failed last night and is in the set of the night before → that one is its newest; who is in none has none', async () => {
  const asked: string[] = [];
  const repository = {
    list: async () => [set('older', '2026-11-01T03:00:00Z'), set('newest', '2026-11-02T03:00:00Z')],
    files: async ({ id }: { id: string }) => {
      asked.push(id);
      return [{ path: path('1'), bytes: 1 }];
    },
  } as unknown as Repository;
  const tenants = ['1', '42', '43'].map((id) => ({ id, path: path(id) }));
  const noted = [
    { id: '1', snapshotId: 'newest' },
    { id: '1', snapshotId: 'older' },
    { id: '42', snapshotId: 'older' },
    { id: '43', snapshotId: 'gone' },
    { id: '43', snapshotId: null },
  ];
  const found = await tenantDumpsStored(repository, 'clinic', tenants, noted, new AbortController().signal);
  expect([...found]).toEqual([
    ['1', '2026-11-02T03:00:00Z'],
    ['42', '2026-11-01T03:00:00Z'],
  ]);
  expect(asked).toEqual(['newest']);
});
