import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { testProcesses } from '../helpers/sources.ts';

test('a child that printed before anybody read → the reader that comes late gets every byte', async () => {
  const child = await testProcesses().start({ file: 'seq', args: ['1', '5000'] });
  await child.exit;
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) text += chunk.toString();
  expect(text.split('\n')).toHaveLength(5001);
});
