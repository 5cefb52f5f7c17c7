import { describe, expect, test } from 'vitest';
import type { MysqlSession } from '../../../agent/sources/mysql/session.ts';
import { dropKeysOut } from '../../../agent/sources/mysql/swap/outward-keys.ts';

const KEY = { tab: 'parts', name: 'of_order', db: 'shop', parent: 'orders' };
const DROP = 'ALTER TABLE `shop_before_1`.`parts` DROP FOREIGN KEY `of_order`';

/** A server whose table is in use for so many tries. */
async function drop(refusals: number) {
  const asked: string[] = [];
  const query = (statement: string) => {
    asked.push(statement);
    if (!statement.startsWith('ALTER')) return Promise.resolve(statement.startsWith('SELECT') ? [KEY] : []);
    const isRefused = asked.filter((one) => one.startsWith('ALTER')).length <= refusals;
    return isRefused ? Promise.reject(new Error('Lock wait timeout exceeded')) : Promise.resolve([]);
  };
  const left = await dropKeysOut({ query } as unknown as MysqlSession, 'shop_before_1');
  return { left, asked };
}

describe('the foreign keys of kept tables', () => {
  test('what they point to is in use for a moment → asked again, and none is left', async () => {
    const { left, asked } = await drop(2);
    expect(left).toEqual([]);
    expect(asked.filter((one) => one === DROP)).toHaveLength(3);
  });

  test('it stays in use → given up soon, and told with the statement that drops them', async () => {
    const { left, asked } = await drop(Infinity);
    expect(left).toEqual([
      `shop_before_1.parts still has a foreign key to shop.orders, where it keeps rows from being deleted (Lock wait timeout exceeded): run ${DROP};`,
    ]);
    expect(asked).toContain('SET SESSION lock_wait_timeout = 1');
  });
});
