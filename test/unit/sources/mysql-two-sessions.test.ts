import { expect, test } from 'vitest';
import type { MysqlSession } from '../../../agent/sources/mysql/session.ts';
import { inTwoSessions, type OpenAnother } from '../../../agent/sources/mysql/two-sessions.ts';

const session = (version: string) => ({ version }) as MysqlSession;
const first = session('first');
const second: OpenAnother = (work) => work(session('second'));
const pause = () => new Promise((resolve) => setImmediate(resolve));

test('two sessions → each item once, by both of them, and the results in the order of the items', async () => {
  const by: string[] = [];
  const results = await inTwoSessions(first, second, [1, 2, 3, 4, 5], async ({ version }, item) => {
    by.push(version);
    await pause();
    return item * 10;
  });
  expect(results).toEqual([10, 20, 30, 40, 50]);
  expect(new Set(by)).toEqual(new Set(['first', 'second']));
});

test('the server lets no second session in → the first does all', async () => {
  const refused: OpenAnother = () => Promise.reject(new Error('too many connections'));
  expect(await inTwoSessions(first, refused, ['a', 'b'], ({ version }) => Promise.resolve(version))).toEqual([
    'first',
    'first',
  ]);
});

test('a single item → no second session is opened', async () => {
  const none: OpenAnother = () => Promise.reject(new Error('opened'));
  expect(await inTwoSessions(first, none, [1], (_, item) => Promise.resolve(item))).toEqual([1]);
});

test('one item fails → its error, and neither session begins another', async () => {
  const begun: number[] = [];
  const failing = inTwoSessions(first, second, [1, 2, 3, 4], async (_, item) => {
    begun.push(item);
    await pause();
    if (item === 2) throw new Error('a damaged page');
  });
  await expect(failing).rejects.toThrow('a damaged page');
  expect(begun).not.toContain(4);
});

test('the second session is cut off with an item in its hands → that is told, and nothing passes for done', async () => {
  const cutOff: OpenAnother = async (work) => {
    void work(session('second'));
    await pause();
    throw new Error('the connection gave no answer');
  };
  const lost = inTwoSessions(first, cutOff, [1, 2], ({ version }) =>
    version === 'second' ? new Promise<number>(() => undefined) : Promise.resolve(1),
  );
  await expect(lost).rejects.toThrow('the connection gave no answer');
});
