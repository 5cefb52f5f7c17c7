import { describe, expect, test } from 'vitest';
import { writeHeader } from '../../../agent/sources/mysql/header.ts';
import { createLoadFilter } from '../../../agent/sources/mysql/load.ts';
import { quoteName } from '../../../agent/sources/mysql/names.ts';

function load(target: string, text: string, size = 9): string {
  const filter = createLoadFilter(target);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...filter.push(bytes.subarray(at, at + size)));
  return Buffer.concat([...out, ...filter.end()]).toString();
}

const header = (database: string) => writeHeader({ database, charset: 'utf8mb4', collation: 'utf8mb4_bin' });
const body = (database: string) =>
  `\nALTER DATABASE ${quoteName(database)} CHARACTER SET latin1 COLLATE latin1_swedish_ci ;;\nINSERT INTO t VALUES ('USE shop;\\nALTER DATABASE \`shop\` CHARACTER SET ');\n`;
const attributes = (target: string) =>
  `ALTER DATABASE ${quoteName(target)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n\n`;

describe.each(['shop', 'ключ', 'a`b', 'a\\b', 'a;b', "a'b", 'a\nb', '$&', 'x'.repeat(64)])(
  'a dump of %j',
  (name) => {
    test.each(['copy', 'ключ 2', 'a`b`', '$&$1'])('loaded into %j → names that one only', (target) => {
      for (const size of [1, 9, 4096, 100_000]) {
        expect(load(target, header(name) + body(name), size)).toBe(attributes(target) + body(target));
      }
    });

    test('loaded into its own name → without its header, else as it is', () => {
      expect(load(name, header(name) + body(name))).toBe(attributes(name) + body(name));
    });
  },
);

describe('definers', () => {
  const text = `${header('shop')}DELIMITER ;;\nCREATE /* DEFINER=\`a b\`@\`%\` */ PROCEDURE p() SELECT 1 ;;\n`;
  const seenIn = (keepOwners: boolean) => {
    const seen: string[] = [];
    const filter = createLoadFilter(
      'shop',
      { ownersKept: keepOwners },
      { lostDefiner: (definer) => seen.push(definer) },
    );
    const out = Buffer.concat([...filter.push(Buffer.from(text)), ...filter.end()]).toString();
    return { seen, out };
  };

  test('that stay comments → told', () => {
    const { seen, out } = seenIn(false);
    expect(seen).toEqual(['`a b`@`%`']);
    expect(out).toContain('CREATE /* DEFINER=`a b`@`%` */ PROCEDURE');
  });

  test('that come back → not told', () => {
    const { seen, out } = seenIn(true);
    expect(seen).toEqual([]);
    expect(out).toContain('CREATE DEFINER=`a b`@`%` PROCEDURE');
  });
});

describe('names of the database that the server writes by itself', () => {
  const view =
    "/*!50001 VIEW `v` AS select `shop`.`f`(`a`),nextval(`shop`.`s`),'`shop`.x',`other`.`f`() from `t` */;\n";
  const table =
    "CREATE TABLE `t` (\n  `shop` int DEFAULT nextval(`shop`.`s`) COMMENT '`shop`.',\n  CONSTRAINT `c` CHECK (`shop` > 0)\n) ENGINE=InnoDB COMMENT='`shop`.`s`';\n";
  const program = `DELIMITER ;;\nCREATE PROCEDURE p()\nBEGIN\n${table}${view}END ;;\nDELIMITER ;\n`;
  const rows =
    "INSERT INTO `t` VALUES ('\\nCREATE TABLE `t` (\\n  `shop` int DEFAULT nextval(`shop`.`s`),');\n";
  const text = `${header('shop')}${table}${rows}${program}${table}${view}`;
  const ofCopy = (part: string) => part.replaceAll('(`shop`.`s`)', '(`s`)').replace('`shop`.`f`', '`f`');

  test('in a copy → go from defaults and views, however the bytes come, and stay in texts, rows and programs', () => {
    const expected = `${attributes('copy')}${ofCopy(table)}${rows}${program}${ofCopy(table)}${ofCopy(view)}`;
    for (const size of [1, 9, 4096, 100_000]) expect(load('copy', text, size)).toBe(expected);
  });

  test('at home → stay', () => {
    expect(load('shop', text)).toBe(`${attributes('shop')}${table}${rows}${program}${table}${view}`);
  });
});

test('locks of tables in an older dump → are left out, and what a program or a row says stays', () => {
  const rows = "INSERT INTO `a` VALUES ('UNLOCK TABLES;\\nLOCK TABLES `a` WRITE;\\n');\n";
  const part = (lock: string, unlock: string) =>
    `--\n-- Dumping data for table \`a\`\n--\n\n${lock}/*!40000 ALTER TABLE \`a\` DISABLE KEYS */;\n${rows}/*!40000 ALTER TABLE \`a\` ENABLE KEYS */;\n${unlock}`;
  const program =
    'DELIMITER ;;\nCREATE PROCEDURE p()\n/*\nLOCK TABLES `a` WRITE;\nUNLOCK TABLES;\n*/ SELECT 1 ;;\nDELIMITER ;\n';
  const text = `${header('shop')}${part('LOCK TABLES `a` WRITE;\n', 'UNLOCK TABLES;\n')}${program}`;
  for (const size of [1, 9, 100_000])
    expect(load('copy', text, size)).toBe(`${attributes('copy')}${part('', '')}${program}`);
});

describe('events', () => {
  const event = (state: string, name = '`e`') =>
    `DELIMITER ;;\n/*!50106 CREATE*/ /* DEFINER=\`a\`@\`b\` */ /*!50106 EVENT ${name} ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION NOT PRESERVE ${state} COMMENT 'ENABLE' DO SELECT 'ON COMPLETION PRESERVE ENABLE' */ ;;\n`;
  // The line before an event ends with `;;`.
  const text = (state: string, name?: string) => `${header('shop')}${event(state, name)}`;

  test.each(['`e`', '`a ON COMPLETION PRESERVE ENABLE b`', '`ключ`'])(
    'named %s in a copy → are disabled',
    (name) => {
      expect(load('copy', text('ENABLE', name))).toBe(attributes('copy') + event('DISABLE', name));
    },
  );

  test('that were off, or at home → stay as they are', () => {
    expect(load('copy', text('DISABLE'))).toBe(attributes('copy') + event('DISABLE'));
    expect(load('shop', text('ENABLE'))).toBe(attributes('shop') + event('ENABLE'));
  });
});

describe('what does not begin with our header', () => {
  test.each([
    ['nothing', ''],
    ['a dump by somebody else', 'CREATE DATABASE `shop`;\nUSE `shop`;\nDROP TABLE t;\n'],
    ['a header that is cut', header('shop').slice(0, -8)],
    ['a header whose names differ', header('shop').replace('USE `shop`', 'USE `mysql`')],
    ['a header behind something', `DROP TABLE t;\n${header('shop')}`],
  ])('%s → restore_failed, and not a byte is loaded', (_, text) => {
    expect(() => load('copy', text)).toThrow('no dump of Holdfast');
  });
});

test('the rows of each table begin → told once by its name, however the bytes come, and a row that looks like it is none', () => {
  const section = (name: string) =>
    `--\n-- Dumping data for table ${quoteName(name)}\n--\n\nINSERT INTO ${quoteName(name)} VALUES ('\\n--\\n-- Dumping data for table \`no\`\\n--');\n`;
  const text = `${header('shop')}\n${['orders', 'ключ', 'a`b'].map(section).join('\n')}`;
  for (const size of [1, 9, 4096, 100_000]) {
    const seen: string[] = [];
    const filter = createLoadFilter('copy', {}, { onTable: (name) => seen.push(name) });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) filter.push(bytes.subarray(at, at + size));
    filter.end();
    expect(seen).toEqual(['orders', 'ключ', 'a`b']);
  }
});
