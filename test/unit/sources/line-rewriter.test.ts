import { describe, expect, test } from 'vitest';
import {
  chainFilters,
  createLineRewriter,
  type ByteFilter,
} from '../../../agent/sources/bytes/line-rewriter.ts';
import { createDumpFilter } from '../../../agent/sources/mysql/dump-filter.ts';
import { DEFINER_RULES, DEFINERS_BACK_RULES } from '../../../agent/sources/mysql/definers.ts';

function pass(filter: ByteFilter, text: string, size = text.length): string {
  const bytes = Buffer.from(text, 'utf8');
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...filter.push(bytes.subarray(at, at + size)));
  return Buffer.concat([...out, ...filter.end()]).toString('utf8');
}

const definers = (text: string, size?: number) => pass(createLineRewriter(DEFINER_RULES), text, size);

const DUMP = `-- MySQL dump
INSERT INTO \`t\` VALUES (1,'/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */'),
(2,'\\nDELIMITER ;;\\nCREATE DEFINER=\`a\`@\`b\` PROCEDURE ключ 😀');
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 TRIGGER \`t\` AFTER INSERT ON \`x\` FOR EACH ROW begin end */;;
DELIMITER ;
DELIMITER ;;
/*!50003 SET time_zone             = 'SYSTEM' */ ;;
/*!50106 CREATE*/ /*!50117 DEFINER=\`ключ\`@\`%\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 DAY */ ;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER="ro""ot"@"localhost" PROCEDURE "p"()
begin
  -- the next two lines stand in the text of a procedure
CREATE DEFINER=\`kept\`@\`kept\` PROCEDURE
/*!50013 DEFINER=\`kept\`@\`kept\` SQL SECURITY DEFINER */
end ;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`a\`\`b\`@\`c\` SQL SECURITY INVOKER */
/*!50001 VIEW \`v\` AS select 1 */;
`;

const EXPECTED = DUMP.replace('/*!50017 DEFINER=`root`@`localhost`*/', '/* DEFINER=`root`@`localhost` */')
  .replace('/*!50117 DEFINER=`ключ`@`%`*/', '/* DEFINER=`ключ`@`%` */')
  .replace(
    'CREATE DEFINER="ro""ot"@"localhost" PROCEDURE',
    'CREATE /* DEFINER="ro""ot"@"localhost" */ PROCEDURE',
  )
  .replace('/*!50013 DEFINER=`a``b`@`c` SQL', '/* DEFINER=`a``b`@`c` */ /*!50013 SQL');

describe('definers in a dump', () => {
  test('of triggers, events, procedures and views → become comments; rows and texts of procedures stay', () => {
    expect(definers(DUMP)).toBe(EXPECTED);
  });

  test('cut into chunks of any size → the same', () => {
    for (let size = 1; size < 300; size += 1)
      expect(definers(DUMP, size), `chunks of ${size}`).toBe(EXPECTED);
  });

  test('at every place around the boundary of two chunks → the same', () => {
    const bytes = Buffer.from(DUMP);
    for (let at = 1; at < bytes.length; at += 1) {
      const filter = createLineRewriter(DEFINER_RULES);
      const out = [
        ...filter.push(bytes.subarray(0, at)),
        ...filter.push(bytes.subarray(at)),
        ...filter.end(),
      ];
      expect(Buffer.concat(out).toString(), `cut at ${at}`).toBe(EXPECTED);
    }
  });

  test('behind more text than is looked at in one go → are found all the same', () => {
    const filler = `INSERT INTO t VALUES ('${'x'.repeat(5000)}');\n`;
    const text = Array.from({ length: 20 }, () => filler + DUMP).join('');
    const expected = Array.from({ length: 20 }, () => filler + EXPECTED).join('');
    for (const size of [4093, 4096, 4097, 65_536, text.length]) expect(definers(text, size)).toBe(expected);
  });

  test('taken out and given back → the dump as it was, wherever the chunks end', () => {
    const there = () => createLineRewriter(DEFINER_RULES);
    const back = () => createLineRewriter(DEFINERS_BACK_RULES);
    for (let size = 1; size < 200; size += 3)
      expect(pass(chainFilters(there(), back()), DUMP, size)).toBe(DUMP);
  });

  test.each([
    ['a role', 'CREATE DEFINER=`admin` FUNCTION', 'CREATE /* DEFINER=`admin` */ FUNCTION'],
    ['unquoted', 'CREATE DEFINER=admin@localhost FUNCTION', 'CREATE /* DEFINER=admin@localhost */ FUNCTION'],
    [
      'an end of comment in the name',
      'CREATE DEFINER=`a*/b`@`%` FUNCTION',
      'CREATE /* DEFINER=`a* /b`@`%` */ FUNCTION',
    ],
    [
      'an aggregate',
      'CREATE DEFINER=`a`@`b` AGGREGATE FUNCTION',
      'CREATE /* DEFINER=`a`@`b` */ AGGREGATE FUNCTION',
    ],
  ])('%s → a comment that ends where it should', (_, before, after) => {
    expect(definers(`DELIMITER ;;\n${before} f() ;;\n`)).toBe(`DELIMITER ;;\n${after} f() ;;\n`);
  });

  test('on the very first line → are found', () => {
    expect(
      pass(
        createLineRewriter([{ start: 'CREATE', rewrite: () => ({ length: 6, by: 'DROP' }) }]),
        'CREATE CREATE\nCREATE',
      ),
    ).toBe('DROP CREATE\nDROP');
  });

  test('bytes that are no text → pass as they are', () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919) % 256));
    const filter = createLineRewriter(DEFINER_RULES);
    expect(Buffer.concat([...filter.push(bytes), ...filter.end()]).equals(bytes)).toBe(true);
  });
});

describe('the filter of a dump', () => {
  test('puts its header before the first byte, and knows the tables that passed', () => {
    const filter = createDumpFilter('-- header\n');
    const text =
      "CREATE TABLE `a` (\n);\nCREATE TABLE `b``c ключ` (\n);\nINSERT INTO `a` VALUES ('\\nCREATE TABLE `no` ');\n\n-- Dump completed\n";
    expect(pass(filter, text, 7)).toBe(`-- header\n${text}`);
    expect([...filter.tables]).toEqual(['a', 'b`c ключ']);
    expect(() => filter.requireEnd()).not.toThrow();
  });

  test.each([
    ['', false],
    ['x\n-- Dump completed\n', true],
    ['x\n-- Dump completed on 2026-01-01  1:02:03\n', true],
    ['x\n-- Dump completed', false],
    ['x\n-- Dump completed\nmore', false],
    ["x\nINSERT INTO t VALUES ('-- Dump completed');\n", false],
  ])('%j → whole: %s', (text, whole) => {
    const filter = createDumpFilter('');
    pass(filter, text, 5);
    if (whole) expect(() => filter.requireEnd()).not.toThrow();
    else expect(() => filter.requireEnd()).toThrow('without its last line');
  });
});

test('a chain of two filters → the second sees what the first makes', () => {
  const rule = (from: string, to: string) =>
    createLineRewriter([{ start: from, rewrite: () => ({ length: from.length, by: to }) }]);
  for (let size = 1; size < 12; size += 1) {
    expect(pass(chainFilters(rule('one', 'two'), rule('two', 'three')), 'one\ntwo\none\n', size)).toBe(
      'three\nthree\nthree\n',
    );
  }
});

describe('a trigger or an event that kept the semicolon behind it', () => {
  const text = (end: string) =>
    `DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1${end} */;;\nDELIMITER ;\n` +
    `DELIMITER ;;\n/*!50106 CREATE*/ /*!50106 EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1${end} */ ;;\n/*!50003 SET time_zone             = @saved_time_zone */ ;;\n` +
    `INSERT INTO t VALUES ('; */;;\\nDELIMITER ;\\n');\nCREATE PROCEDURE p() SELECT 1${end} ;;\nDELIMITER ;\n`;

  test('→ loses it, wherever the chunks end; nothing else changes', () => {
    const expected = text(';').replace('x = 1; */', 'x = 1 */').replace('SELECT 1; */', 'SELECT 1 */');
    for (let size = 1; size < 120; size += 1) {
      expect(pass(createDumpFilter(''), text(';'), size), `chunks of ${size}`).toBe(expected);
      expect(pass(createDumpFilter(''), text(''), size)).toBe(text(''));
    }
  });
});
