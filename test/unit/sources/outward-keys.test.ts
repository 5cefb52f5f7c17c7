import { describe, expect, test } from 'vitest';
import type { MysqlSession } from '../../../agent/sources/mysql/session.ts';
import { dropKeysOut } from '../../../agent/sources/mysql/swap/outward-keys.ts';

const KEY = { tab: 'parts', name: 'of_order', db: 'shop', parent: 'orders' };
const DROP = 'ALTER TABLE `shop_before_1`.`parts` DROP FOREIGN KEY `of_order`';

/** A server whose table is in use for so many tries. */
async function drop(refusals: number, error: Error = new Error('Lock wait timeout exceeded')) {
  const asked: string[] = [];
  const query = (statement: string) => {
    asked.push(statement);
    if (statement.startsWith('SELECT @@')) return Promise.resolve([{ seconds: 5 }]);
    if (!statement.startsWith('ALTER')) return Promise.resolve(statement.startsWith('SELECT') ? [KEY] : []);
    const isRefused = asked.filter((one) => one.startsWith('ALTER')).length <= refusals;
    return isRefused ? Promise.reject(error) : Promise.resolve([]);
  };
  const left = await dropKeysOut({ query } as unknown as MysqlSession, 'shop_before_1', 3);
  return { left, asked };
}

describe('the foreign keys of kept tables', () => {
  test('what they point to is in use for a moment → asked again, and none is left', async () => {
    const { left, asked } = await drop(2);
    expect(left).toEqual([]);
    expect(asked.filter((one) => one === DROP)).toHaveLength(3);
  });

  test('it stays in use → given up soon, told with the statement that drops them, and the wait is what it was', async () => {
    const { left, asked } = await drop(Infinity);
    expect(left).toEqual([
      `shop_before_1.parts still has a foreign key to shop.orders (Lock wait timeout exceeded), so that rows there cannot be deleted, or take with them what is kept: run ${DROP};`,
    ]);
    const waits = asked.filter((one) => one.startsWith('SET'));
    expect(waits).toEqual(['SET SESSION lock_wait_timeout = 1', 'SET SESSION lock_wait_timeout = 5']);
  });

  test('the connection is gone → thrown at once', async () => {
    const gone = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    await expect(drop(Infinity, gone)).rejects.toBe(gone);
  });
});
