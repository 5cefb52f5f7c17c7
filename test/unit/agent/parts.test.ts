import { expect, test } from 'vitest';
import type { Job } from '../../../agent/jobs/job.ts';
import { createParts } from '../../../agent/parts.ts';

test('the backup of a group was due and did not run → it is skipped as that of the group', async () => {
  const skipped: object[] = [];
  const runner = { skip: async (jobs: Pick<Job, 'name'>[]) => void skipped.push(...jobs) };
  const parts = createParts({ runner, config: {}, sourceDeps: {}, path: '' } as unknown as Parameters<
    typeof createParts
  >[0]);
  const due = { source: 'clinic', group: 'standard' };
  await parts.skip(due, { trigger: 'schedule', why: new Error('waited 30 min') });
  expect(skipped).toEqual([{ name: 'tenant-backup', source: 'clinic', facts: { group: 'standard' } }]);
});
