import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/folder.ts';
import { testProcesses } from '../helpers/sources.ts';

test('a child that cleans up is told to stop, and nobody waits for it → settled once it is gone', async () => {
  const processes = testProcesses();
  const cleaned = join(temporaryFolder(), 'cleaned');
  const script = `trap 'sleep 0.3; touch ${cleaned}; exit' TERM; echo ready >&2; while :; do sleep 0.01; done`;
  const child = await processes.start({ file: 'bash', args: ['-c', script] });
  await processes.settled();
  expect(existsSync(cleaned), 'nobody told it to stop').toBe(false);
  await child.said(/ready/);
  void child.stop();
  await processes.settled();
  expect(existsSync(cleaned)).toBe(true);
});
