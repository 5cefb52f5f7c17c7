import { describe, expect, test } from 'vitest';
import { createDumpFilter } from '../../../agent/sources/mysql/dump-filter.ts';
import {
  collectDefinitions,
  withoutDatabase,
  withoutDefaults,
  withoutJoinGroups,
  withoutMb3,
  withoutWidth,
  withPlainLiterals,
} from '../../../agent/sources/mysql/proof/canonical.ts';
import { cutFloats } from '../../../agent/sources/mysql/proof/cut-floats.ts';
import { CRC_PRODUCT, rowHash, SHA2 } from '../../../agent/sources/mysql/proof/row-hash.ts';
import { rangesBetween, sampleCondition } from '../../../agent/sources/mysql/proof/sample.ts';

describe('the text of a row', () => {
  const column = (name: string, type: string, nullable = false) => ({ name, type, nullable });

  test('two strings → the second one is followed by its length; NULLs are told', () => {
    const columns = [column('a', 'varchar'), column('b`', 'text', true), column('n', 'int', true)];
    expect(rowHash(columns, 'mariadb', CRC_PRODUCT)).toContain(
      "CONCAT_WS('#', CAST(`a` AS BINARY), CAST(`b``` AS BINARY), `n`, LENGTH(CAST(`b``` AS BINARY)), ISNULL(`b```), ISNULL(`n`))",
    );
  });

  test('no columns of its own → still an expression', () => {
    expect(rowHash([], 'mysql', SHA2)).toContain("SHA2('', 256)");
  });

  test.each([
    ['point', 'HEX(`c`)'],
    ['vector', 'HEX(`c`)'],
    ['bit', '`c` + 0'],
    ['double', "IF(`c` = 0, '0', CAST(`c` AS CHAR))"],
    ['uuid', '`c`'],
    ['a type of tomorrow', 'CAST(`c` AS BINARY)'],
  ])('%s', (type, text) => {
    expect(rowHash([column('c', type)], 'mariadb', SHA2)).toContain(`CONCAT_WS('#', ${text})`);
  });
});

test.each([
  ['mariadb', '10.11.19-MariaDB', /`f` <> CAST\(CAST\(`f` AS CHAR\) AS FLOAT\)/, /more than six digits/],
  ['mysql', '8.0.17', /AS FLOAT/, /more than six digits/],
  ['mysql', '5.7.44', /`f` <> \(CAST\(`f` AS CHAR\) \+ 0e0\)/, /this server does not tell/],
  ['mariadb', '10.3.39-MariaDB', /\+ 0e0/, /this server does not tell/],
] as const)(
  'a FLOAT on %s %s → its rows are counted where a dump cuts them',
  (flavour, version, sql, told) => {
    const columns = [
      { name: 'f', type: 'float', nullable: true },
      { name: 'd', type: 'double', nullable: true },
    ];
    const cut = cutFloats({ flavour, version }, columns);
    expect(cut.count).toMatch(sql);
    expect(cut.count).not.toContain('`d`');
    expect(cut.told(4)).toMatch(told);
    expect(cut.told(0)).toBeUndefined();
    expect(cutFloats({ flavour, version }, columns.slice(1)).count).toBe('0');
  },
);

describe('a sample', () => {
  test('of a tenth → sixteen ranges, both ends among them, one behind the other, a tenth in all', () => {
    const ranges = rangesBetween(-1000n, 998_999n, 0.1).map(
      ([from, to]) => [BigInt(from), BigInt(to)] as const,
    );
    expect(ranges).toHaveLength(16);
    expect(ranges[0]![0]).toBe(-1000n);
    expect(ranges[15]![1]).toBe(998_999n);
    for (const [i, [from, to]] of ranges.entries()) {
      expect(to >= from).toBe(true);
      if (i > 0) expect(from > ranges[i - 1]![1]).toBe(true);
    }
    const covered = ranges.reduce((sum, [from, to]) => sum + to - from + 1n, 0n);
    expect(Math.abs(Number(covered) - 100_000)).toBeLessThan(100);
  });

  test('of few values → all of them', () => {
    expect(rangesBetween(5n, 5n, 0.001)).toEqual([['5', '5']]);
  });

  test('of the whole span of a bigint → stays within it', () => {
    const ranges = rangesBetween(0n, 2n ** 64n - 1n, 1e-9);
    expect(ranges[15]![1]).toBe('18446744073709551615');
  });

  test('ranges that are none → are never asked of a server', () => {
    expect(() => sampleCondition({ key: 'id', ranges: [['1', '2 OR 1=1']] })).toThrow(/range of id/);
    expect(sampleCondition({ key: 'i`d', ranges: [['-1', '2']] })).toBe('`i``d` BETWEEN -1 AND 2');
  });
});

describe('definitions', () => {
  test('a view → its own database goes, in a text or as part of a name it stays', () => {
    const sql = "select `shop`.`t`.`a` AS `shop`,'`shop`.x' AS `x`,`shop``.`.`b`,`other`.`c` from `shop`.`t`";
    expect(withoutDatabase(sql, 'shop')).toBe(
      "select `t`.`a` AS `shop`,'`shop`.x' AS `x`,`shop``.`.`b`,`other`.`c` from `t`",
    );
  });

  test.each([
    ['two tables', 'from `t` join `u` where (`a` = 1)', 'from (`t` join `u`) where (`a` = 1)'],
    ['three tables', 'from `t` join `u` join `v`', 'from ((`t` join `u`) join `v`)'],
    [
      'a left join and a comma',
      'from (`t` left join `u` on((`a` = `b`))) join `v`',
      'from ((`t` left join `u` on((`a` = `b`))) join `v`)',
    ],
    [
      'derived tables',
      'from (select 1 AS `a` from `t`) `q` join (select (1 + 2) * 3 AS `b`) `r`',
      'from ((select 1 AS `a` from `t`) `q` join (select (1 + 2) * 3 AS `b`) `r`)',
    ],
  ])('a join of %s as somebody wrote it → is the same as MariaDB writes it', (_, written, loaded) => {
    expect(withoutJoinGroups(loaded)).toBe(withoutJoinGroups(written));
  });

  test.each([
    ['an expression', 'select (`a` + 1) * 2 AS `b` from `t` join `u` on((`a` = `b`) or `c`)'],
    [
      'derived tables',
      'select 1 from ((select 1 AS `x`) union (select 2)) `q` left join (select 2) `r` on(1)',
    ],
    ['a text or a name', "select 'from (`t` join `u`)' AS `from (``t`)` from `t`"],
  ])('the parentheses of %s → stay', (_, sql) => {
    expect(withoutJoinGroups(sql)).toBe(sql);
  });

  test('a definition as proofs had it before → is hashed as they have it, and any other as today', () => {
    const hashed = (
      known: ReturnType<ReturnType<typeof collectDefinitions>['hashed']>,
      today: string,
      before: string,
    ) => {
      const definitions = collectDefinitions(known);
      definitions.add('view', 'v', [today], [before]);
      return definitions.hashed();
    };
    const older = hashed([], 'from (t join u)', 'from (t join u)');
    expect(hashed(older, 'from t join u', 'from (t join u)')).toEqual(older);
    expect(hashed(older, 'from t join u', 'from t join u')).not.toEqual(older);
  });

  test('a definition of several rows, in one of two older forms → is hashed in that form, all of its rows', () => {
    const hashed = (known: ReturnType<ReturnType<typeof collectDefinitions>['hashed']>, form: number) => {
      const definitions = collectDefinitions(known);
      const forms = [['today', null], ['oldest'], ['older']];
      definitions.add('index', 'i', forms[form]!, ...(form === 0 ? forms.slice(1) : []));
      definitions.add('index', 'i', ['the same in all']);
      return definitions.hashed();
    };
    const [oldest, older] = [hashed([], 1), hashed([], 2)];
    expect(oldest).not.toEqual(older);
    expect(hashed(oldest, 0)).toEqual(oldest);
    expect(hashed(older, 0)).toEqual(older);
    expect(hashed(hashed([], 0), 0)).toEqual(hashed([], 0));
  });

  test('a width that only older releases tell → goes; of a boolean and with ZEROFILL it stays', () => {
    const told = [
      'int(11)',
      'bigint(20) unsigned',
      'int',
      'tinyint(1)',
      'int(4) unsigned zerofill',
      'varchar(9)',
    ];
    expect(told.map(withoutWidth)).toEqual([
      'int',
      'bigint unsigned',
      'int',
      'tinyint(1)',
      'int(4) unsigned zerofill',
      'varchar(9)',
    ]);
  });

  test('utf8 by its longer name → is the same; utf8mb4 is another', () => {
    const names = ['utf8mb3', 'utf8mb3_general_ci', 'utf8_general_ci', 'utf8mb4_general_ci', null];
    expect(names.map(withoutMb3)).toEqual([
      'utf8',
      'utf8_general_ci',
      'utf8_general_ci',
      'utf8mb4_general_ci',
      null,
    ]);
  });

  test('a literal in another character set → is the same literal', () => {
    expect(withPlainLiterals("concat(`a`,_utf16\\'\\0!\\')")).toBe(
      withPlainLiterals("concat(`a`,_utf8mb4\\'!\\')"),
    );
  });

  test("Aria's options → go, others stay", () => {
    expect(withoutDefaults('row_format=PAGE page_checksum=1 transactional=0')).toBe('row_format=PAGE');
    expect(withoutDefaults(null)).toBe('');
  });
});

test('counters in a dump → of tables and sequences, and of nothing that only reads like one', () => {
  const dump = `
CREATE TABLE \`a\`\`b\` (
  \`id\` int
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COMMENT=' AUTO_INCREMENT=5 ';
CREATE TABLE \`none\` (
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT=' AUTO_INCREMENT=5 ';
CREATE TABLE \`placed\` (
) /*!50100 TABLESPACE \`x\` */ ENGINE=InnoDB AUTO_INCREMENT=18446744073709551615 DEFAULT CHARSET=utf8mb4;
DO SETVAL(\`down\`, -9, 0);
DELIMITER ;;
CREATE PROCEDURE x() COMMENT '
CREATE TABLE \`none\` (
) ENGINE=InnoDB AUTO_INCREMENT=99 ;'
BEGIN
CREATE TABLE \`archive\` (
) ENGINE=InnoDB AUTO_INCREMENT=1000 DEFAULT CHARSET=utf8mb4;
DELIMITER ;
DO SETVAL(\`archive\`, 7, 0);
END ;;
DELIMITER ;
CREATE TABLE \`last\` (
) ENGINE=InnoDB AUTO_INCREMENT=3;
`;
  const filter = createDumpFilter('');
  filter.push(Buffer.from(dump));
  filter.end();
  expect([...filter.tables]).toEqual(['a`b', 'none', 'placed', 'last']);
  expect([...filter.counters]).toEqual([
    ['a`b', '77'],
    ['placed', '18446744073709551615'],
    ['down', '-9'],
    ['last', '3'],
  ]);
});
