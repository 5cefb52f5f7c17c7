import { expect, test } from 'vitest';
import { testProcesses } from '../helpers/sources.ts';

test('the abort comes while the program is being started → it is ended all the same, at once', async () => {
  const abort = new AbortController();
  const command = { file: 'sleep', args: ['600'] };
  const running = testProcesses().run(command, { timeoutMs: 500_000, signal: abort.signal });
  abort.abort();
  await expect(running).rejects.toMatchObject({ kind: 'interrupted' });
});
