import { describe, expect, test } from 'vitest';
import { readMysqlGrants } from '../../../agent/sources/mysql/grants.ts';

const grants = (...lines: string[]) => readMysqlGrants(lines, { wildcards: true });

describe('SHOW GRANTS, read', () => {
  test('ALL on a database → all but GRANT OPTION there, nothing elsewhere', () => {
    const read = grants('GRANT USAGE ON *.* TO `app`@`%`', 'GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`');
    expect(read.onDatabase('EVENT', 'shop')).toBe(true);
    expect(read.onDatabase('GRANT OPTION', 'shop')).toBe(false);
    expect(read.onDatabase('SELECT', 'other')).toBe(false);
    expect(read.globally('SELECT')).toBe(false);
    expect(read.onTable('SELECT', 'shop', 't')).toBe(true);
  });

  test('dynamic rights of MySQL 8 stand among the others', () => {
    const read = grants(
      'GRANT SELECT, SHOW VIEW ON *.* TO `k`@`%`',
      'GRANT BACKUP_ADMIN,SHOW_ROUTINE ON *.* TO `k`@`%` WITH GRANT OPTION',
    );
    expect(read.globally('SHOW_ROUTINE')).toBe(true);
    expect(read.globally('SHOW VIEW')).toBe(true);
  });

  test.each([
    ['GRANT `r1`@`%`,`r2`@`%` TO `k`@`%`'],
    ['GRANT `r1` TO `k`@`%`'],
    ['SET DEFAULT ROLE `r1` FOR `k`@`%`'],
    ['GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION'],
    ['GRANT SELECT ON PROCEDURE `shop`.`p` TO `k`@`%`'],
    ['GRANT EXECUTE ON FUNCTION `shop`.`f` TO `k`@`%`'],
  ])('%s → grants nothing to read', (line) => {
    const read = grants(line);
    expect(
      read.globally('SELECT') || read.onDatabase('SELECT', 'shop') || read.onTable('SELECT', 'shop', 'p'),
    ).toBe(false);
  });

  test('a role, a user or a table whose name looks like a clause → is a name', () => {
    const read = grants(
      "GRANT SELECT ON `a ON b`.`c TO d` TO `e ON *.* TO f`@`%` IDENTIFIED BY PASSWORD '*X ON y TO z'",
    );
    expect(read.onTable('SELECT', 'a ON b', 'c TO d')).toBe(true);
    expect(read.globally('SELECT')).toBe(false);
  });

  test('rights on columns → stand for no table', () => {
    const read = grants('GRANT SELECT (`id`, `a, b (c)`), INSERT, UPDATE (`x`) ON `shop`.`t` TO `k`@`%`');
    expect(read.onTable('SELECT', 'shop', 't')).toBe(false);
    expect(read.onTable('INSERT', 'shop', 't')).toBe(true);
  });

  test.each([
    ['shop\\_1', 'shop_1', true],
    ['shop_1', 'shopX1', true],
    ['shop\\_1', 'shopX1', false],
    ['sh%', 'shop', true],
    ['%', 'shop', true],
    ['sh\\%', 'shop', false],
    ['shop', 'SHOP', false],
    ['a.b', 'axb', false],
    ['a\\\\b', 'a\\b', true],
    ['a(b[c', 'a(b[c', true],
  ])('a pattern %s → matches %s: %s', (pattern, database, answer) => {
    expect(grants(`GRANT SELECT ON \`${pattern}\`.* TO \`k\`@\`%\``).onDatabase('SELECT', database)).toBe(
      answer,
    );
  });

  test('partial_revokes → wildcards are letters', () => {
    const read = readMysqlGrants(['GRANT SELECT ON `shop_1`.* TO `k`@`%`'], { wildcards: false });
    expect(read.onDatabase('SELECT', 'shop_1')).toBe(true);
    expect(read.onDatabase('SELECT', 'shopX1')).toBe(false);
  });

  test('a right revoked for one database → is not there, though it is everywhere else', () => {
    const read = readMysqlGrants(
      ['GRANT SELECT, EVENT ON *.* TO `k`@`%`', 'REVOKE EVENT ON `shop`.* FROM `k`@`%`'],
      {
        wildcards: false,
      },
    );
    expect(read.onDatabase('EVENT', 'shop')).toBe(false);
    expect(read.onDatabase('SELECT', 'shop')).toBe(true);
    expect(read.onDatabase('EVENT', 'other')).toBe(true);
  });

  test('two patterns match → the more exact one decides', () => {
    const read = grants(
      'GRANT ALL PRIVILEGES ON `a%`.* TO `k`@`%`',
      'GRANT SELECT ON `a\\_b`.* TO `k`@`%`',
      'GRANT EVENT ON `a_b`.* TO `k`@`%`',
    );
    expect(read.onDatabase('SELECT', 'a_b')).toBe(true);
    expect(read.onDatabase('EVENT', 'a_b')).toBe(false);
    expect(read.onDatabase('EVENT', 'aXb')).toBe(true);
    expect(read.onDatabase('SELECT', 'aXb')).toBe(false);
  });
});
