import { describe, expect, test } from 'vitest';
import type { MysqlSession } from '../../../agent/sources/mysql/session.ts';
import { findSwapHurdle } from '../../../agent/sources/mysql/swap/hurdle.ts';
import type { MysqlSwap } from '../../../agent/sources/mysql/swap/plan.ts';
import {
  definerOf,
  eventIn,
  movedFrom,
  withoutDefiner,
  type Program,
} from '../../../agent/sources/mysql/swap/programs.ts';
import { allTables, readTablesLeft, renaming } from '../../../agent/sources/mysql/swap/rename.ts';

const SWAP: MysqlSwap = {
  target: 'shop',
  fresh: 'fresh',
  keep: 'kept',
  oldCharset: { charset: 'utf8mb4', collation: 'utf8mb4_bin' },
  freshCharset: { charset: 'utf8mb4', collation: 'utf8mb4_bin' },
  oldTables: ['a', 'b`c'],
  freshTables: ['a', 'd'],
  wanted: [],
  kept: [],
  inTheWay: [],
};

/** A server of this version with these tables. */
function serverWith(
  tables: Record<string, string[]>,
  version = '10.11.6-MariaDB',
  grants = 'ALL PRIVILEGES',
) {
  return {
    flavour: version.includes('MariaDB') ? 'mariadb' : 'mysql',
    version,
    account: 'keeper@%',
    query: async (sql: string) => {
      if (sql === 'SHOW GRANTS') return [{ grant: `GRANT ${grants} ON *.* TO \`keeper\`@\`%\`` }];
      if (!sql.includes('table_type')) return [];
      const database = /table_schema = '(\w+)'/.exec(sql)?.[1] ?? '';
      return (tables[database] ?? []).map((name) => ({
        name,
        engine: name === 'my' ? 'MyISAM' : 'InnoDB',
      }));
    },
  } as unknown as MysqlSession;
}

describe('renaming', () => {
  test('all old tables go out before the first new one comes in', () => {
    expect(renaming(SWAP, allTables(SWAP))).toBe(
      'RENAME TABLE `shop`.`a` TO `kept`.`a`, `shop`.`b``c` TO `kept`.`b``c`, `fresh`.`a` TO `shop`.`a`, `fresh`.`d` TO `shop`.`d`',
    );
    expect(renaming(SWAP, { out: [], in: [] })).toBeNull();
  });

  test.each([
    ['nothing was renamed', { shop: ['a', 'b`c'], fresh: ['a', 'd'], kept: [] }, null],
    ['nothing was renamed, and the new database is gone', { shop: ['a', 'b`c'] }, null],
    ['all was', { shop: ['a', 'd'], fresh: [], kept: ['a', 'b`c'] }, { out: [], in: [] }],
    [
      'a crash in the middle',
      { shop: ['b`c'], fresh: ['a', 'd'], kept: ['a'] },
      { out: ['b`c'], in: ['a', 'd'] },
    ],
    ['a crash later on', { shop: ['a'], fresh: ['d'], kept: ['a', 'b`c'] }, { out: [], in: ['d'] }],
  ])('%s → what is left to do', async (_, tables, left) => {
    expect(await readTablesLeft(serverWith(tables), SWAP)).toEqual(left);
  });

  test.each([
    ['still beside', { shop: [], fresh: ['a', 'd'] }, null],
    ['in place', { shop: ['a', 'd'] }, { out: [], in: [] }],
  ])('the target had no tables, and the new ones are %s', async (_, tables, left) => {
    expect(await readTablesLeft(serverWith(tables), { ...SWAP, oldTables: [] })).toEqual(left);
  });
});

describe('hurdles', () => {
  test.each([
    ['10.5.27-MariaDB', 'MariaDB 10.5.27-MariaDB cannot rename several tables at one moment'],
    ['8.0.12', 'MySQL 8.0.12 cannot rename several tables at one moment'],
    ['5.7.44-log', 'MySQL 5.7.44-log cannot rename several tables at one moment'],
  ])('%s → told', async (version, detail) => {
    expect(await findSwapHurdle(serverWith({}, version), 'shop', 'kept')).toMatchObject({ detail });
  });

  test.each(['10.6.1-MariaDB', '11.8.3-MariaDB', '8.0.13', '9.7.4'])('%s → none', async (version) => {
    expect(await findSwapHurdle(serverWith({}, version), 'shop', 'kept')).toBeNull();
  });

  test('a table of MyISAM → one for MySQL, none for MariaDB, which logs the renaming of any', async () => {
    const tables = { shop: ['a', 'my'] };
    const hurdle = await findSwapHurdle(serverWith(tables, '9.7.4'), 'shop', 'kept');
    expect(hurdle?.detail).toMatch(/table my is MyISAM/);
    expect(await findSwapHurdle(serverWith(tables), 'shop', 'kept')).toBeNull();
  });

  test('only reading rights → what is lacking, and the GRANT', async () => {
    const hurdle = await findSwapHurdle(serverWith({}, '9.7.4', 'SELECT'), 'my_shop', 'my_shop_before_1_2');
    expect(hurdle).toEqual({
      detail: 'keeper@% lacks INSERT, CREATE, DROP on my_shop',
      mend: "Run as an administrator of the server: GRANT ALL PRIVILEGES ON `my\\_shop`.* TO 'keeper'@'%';",
    });
  });
});

describe('what no rename moves', () => {
  const program = (kind: Program['kind'], create: string) => ({ kind, create }) as Program;

  test('a view read in one database → names it nowhere but in its texts', () => {
    const view = program(
      'VIEW',
      "CREATE VIEW `v` AS select `fresh`.`t`.`x` AS `x`,'`fresh`.' AS `y` from `fresh`.`t`",
    );
    expect(movedFrom('fresh', view).create).toBe(
      "CREATE VIEW `v` AS select `t`.`x` AS `x`,'`fresh`.' AS `y` from `t`",
    );
  });

  test('definers → found and taken out, whatever their names', () => {
    const view = program(
      'VIEW',
      'CREATE ALGORITHM=UNDEFINED DEFINER=`a``b`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1',
    );
    expect(definerOf(view)).toBe('`a``b`@`%`');
    expect(withoutDefiner(view).create).toBe(
      'CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1',
    );
    expect(definerOf(program('PROCEDURE', "CREATE PROCEDURE p() SELECT 'DEFINER=`x`@`y` '"))).toBeNull();
  });

  test('an event → switched on and off behind its schedule, and nowhere else', () => {
    const text = (state: string) =>
      `CREATE EVENT \`e\` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ${state} COMMENT 'ENABLE' DO SELECT ' ON COMPLETION PRESERVE ENABLE'`;
    expect(eventIn('DISABLE', text('ENABLE'))).toBe(text('DISABLE'));
    expect(eventIn('ENABLE', text('DISABLE'))).toBe(text('ENABLE'));
    expect(eventIn('DISABLE', text('DISABLE ON SLAVE'))).toBe(text('DISABLE ON SLAVE'));
  });
});
