import { describe, expect, test } from 'vitest';
import { judgeStderr } from '../../../agent/sources/client/stderr.ts';
import { quoteAccount, quoteName, quotePattern } from '../../../agent/sources/mysql/names.ts';
import { option, optionFile } from '../../../agent/sources/mysql/options.ts';
import { atLeast, versionNumbers } from '../../../agent/sources/mysql/version.ts';
import { databaseConninfo, quoteIdentifier, quoteLiteral } from '../../../agent/sources/postgres/names.ts';
import { nameFromPathComponent, pathComponent } from '../../../agent/sources/repository-path.ts';
import { mysqlConfig } from '../../helpers/sources.ts';

describe('a database name in a repository path', () => {
  test.each([
    ['orders_tracker', 'orders_tracker'],
    ['with space & ключ 💾', 'with space & ключ 💾'],
    ['a.b', 'a.b'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['.hidden', '%2Ehidden'],
    ['a/../b', 'a%2F..%2Fb'],
    ['100%', '100%25'],
    ['%2F', '%252F'],
    ['a\nb\u0000c\u007f', 'a%0Ab%00c%7F'],
    ['\u0085\u2028', '%C2%85%E2%80%A8'],
  ])('%j → %j, and back', (name, component) => {
    expect(pathComponent(name)).toBe(component);
    expect(nameFromPathComponent(component)).toBe(name);
  });
});

describe('names in SQL', () => {
  test.each([
    ['shop', '`shop`'],
    ['a`b', '`a``b`'],
    ['a\\b', '`a\\b`'],
  ])('MySQL: %j → %s', (name, quoted) => expect(quoteName(name)).toBe(quoted));

  test.each([
    ['a_b', '`a\\_b`'],
    ['100%', '`100\\%`'],
    ['a\\b', '`a\\\\b`'],
  ])('MySQL, as a pattern of GRANT: %j → %s', (name, quoted) => expect(quotePattern(name)).toBe(quoted));

  test.each([
    ['keeper@%', "'keeper'@'%'"],
    ["o'neil@10.0.%", "'o''neil'@'10.0.%'"],
    ['me@home@localhost', "'me@home'@'localhost'"],
    ['@localhost', "''@'localhost'"],
  ])('MySQL, an account: %j → %s', (account, quoted) => expect(quoteAccount(account)).toBe(quoted));

  test.each([
    ['a"b', '"a""b"'],
    ['Shop', '"Shop"'],
  ])('PostgreSQL: %j → %s', (name, quoted) => expect(quoteIdentifier(name)).toBe(quoted));

  test.each([
    ["it's", "'it''s'"],
    ['a\\b', "E'a\\\\b'"],
  ])('PostgreSQL, text: %j → %s', (text, quoted) => expect(quoteLiteral(text)).toBe(quoted));

  test.each([
    ['shop', "dbname='shop'"],
    ['host=evil dbname=x', "dbname='host=evil dbname=x'"],
    ["a' host='evil", "dbname='a\\' host=\\'evil'"],
    ['a\\', "dbname='a\\\\'"],
  ])('PostgreSQL, for libpq: %j → %s', (name, conninfo) => expect(databaseConninfo(name)).toBe(conninfo));
});

describe('the option file', () => {
  test.each([
    ['plain', 'x="plain"'],
    ['a#b', 'x="a#b"'],
    [`'"`, `x="\\'\\""`],
    ['a\\b ', 'x="a\\\\b "'],
    ['a\nb\tc', 'x="a\\nb\\tc"'],
  ])('%j → %s', (value, line) => expect(option('x', value)).toBe(line));

  test('a host that is a path → is a socket', () => {
    const text = optionFile(mysqlConfig({ host: '/run/my sock' }), {
      flavour: 'mariadb',
      encrypted: false,
      caFile: '',
    });
    expect(text).toContain('socket="/run/my sock"');
    expect(text).not.toContain('port');
  });
});

describe('versions', () => {
  test.each([
    ['10.11.19-MariaDB-0+deb12u1', [10, 11, 19]],
    ['5.5.5-10.6.1-MariaDB', [10, 6, 1]],
    ['9.7.4-2', [9, 7, 4]],
    ['8.0.20', [8, 0, 20]],
  ])('%s → %j', (version, numbers) => expect(versionNumbers(version)).toEqual(numbers));

  test.each([
    ['10.11.19-MariaDB', [11, 3], false],
    ['11.3.2-MariaDB', [11, 3], true],
    ['8.0.19', [8, 0, 20], false],
    ['8.4.0', [8, 0, 20], true],
    ['9', [9, 0], true],
  ] as const)('%s is at least %j → %s', (version, wanted, answer) =>
    expect(atLeast(version, ...wanted)).toBe(answer),
  );
});

describe('what clients say', () => {
  test.each([
    "mysqldump: Error: 'Access denied; you need (at least one of) the PROCESS privilege(s)' when trying to dump tablespaces",
    "mysqldump: Couldn't execute 'SHOW EVENTS': denied (1044)",
    'mariadb-dump: app has insufficient privileges to SHOW CREATE FUNCTION `f1`!',
    'mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table `t` at row: 0',
    'pg_dump: error: query failed: ERROR:  permission denied for table t',
    'ERROR 1062 (23000) at line 3: Duplicate entry',
  ])('%s → an error', (line) => expect(judgeStderr([line])).toEqual({ errors: [line], warnings: [] }));

  test.each([
    'mysqldump: [Warning] A partial dump from a server that has GTIDs will by default include the GTIDs',
    '-- Warning: column statistics not supported by the server.',
    'pg_dump: warning: there are circular foreign-key constraints on this table:',
    'pg_dump: detail: Customer',
    'something new that nobody knows',
  ])('%s → a warning', (line) => expect(judgeStderr([line])).toEqual({ errors: [], warnings: [line] }));

  test("mysqldump: [Warning] unknown option '--loose-x' → nothing", () => {
    expect(judgeStderr(["mysqldump: [Warning] unknown option '--loose-skip-masking-policies'."])).toEqual({
      errors: [],
      warnings: [],
    });
  });
});
