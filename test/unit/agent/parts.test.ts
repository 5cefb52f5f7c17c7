import { expect, test } from 'vitest';
import type { Job } from '../../../agent/jobs/job.ts';
import { createParts } from '../../../agent/parts.ts';

test.each([
  ['a group', 'standard', { name: 'tenant-backup', source: 'clinic', facts: { group: 'standard' } }],
  ['what belongs to no tenant', null, { name: 'global-backup', source: 'clinic' }],
])('the backup of %s was due and did not run → it is skipped as that', async (_, group, expected) => {
  const skipped: object[] = [];
  const runner = { skip: async (jobs: Pick<Job, 'name'>[]) => void skipped.push(...jobs) };
  const parts = createParts({ runner, config: {}, sourceDeps: {}, path: '' } as unknown as Parameters<
    typeof createParts
  >[0]);
  await parts.skip({ source: 'clinic', group }, { trigger: 'schedule', why: new Error('waited 30 min') });
  expect(skipped).toEqual([expected]);
});
