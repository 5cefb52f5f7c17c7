import { expect, test } from 'vitest';
import { createDiskQueue } from '../../../agent/process/disk-queue.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

test('a take that finds nothing while a put is on its way → the bytes are either taken or refused, never lost', async () => {
  for (let round = 0; round < 200; round += 1) {
    const queue = createDiskQueue(temporaryFolder(), 1e6);
    queue.begin();
    const order = round % 2 === 0;
    const putting = order ? queue.put(Buffer.from('bytes')) : null;
    const taking = queue.take();
    const late = putting ?? queue.put(Buffer.from('bytes'));
    const [accepted, block] = await Promise.all([late, taking]);
    expect(accepted).toBe(block !== null);
    await queue.close();
  }
});

test('not begun, or full → refused; begun again → it takes', async () => {
  const queue = createDiskQueue(temporaryFolder(), 10);
  expect(await queue.put(Buffer.from('a'))).toBe(false);
  queue.begin();
  expect(await queue.put(Buffer.from('12345678'))).toBe(true);
  expect(await queue.put(Buffer.from('123'))).toBe(false);
  expect(String(await queue.take())).toBe('12345678');
  expect(await queue.take()).toBeNull();
  expect(await queue.put(Buffer.from('a'))).toBe(false);
  queue.begin();
  expect(await queue.put(Buffer.from('abc'))).toBe(true);
  expect(queue.passedBytes).toBe(11);
  await queue.close();
});
