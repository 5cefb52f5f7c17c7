import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { GapName } from '../../../agent/core/glossary.ts';
import type { SourceSubject } from '../../contracts/source.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { readDump } from '../../helpers/sources.ts';

const never = new AbortController().signal;
const FOUR = 'SELECT, SHOW VIEW, TRIGGER, EVENT';
let server: TestServer;
let subject: SourceSubject;

beforeAll(async () => {
  server = await startMariadb();
  subject = mariadbSubject(server);
  await subject.createNasty('shop');
});
afterAll(() => server.stop());

/** A source as a user with these rights, that of executing the function that the views of `shop` call, and no others; `$` stands for the user. */
async function keeper(rights: string[], allowIncomplete: GapName[] = [], database = 'shop') {
  await server.sql("DROP USER IF EXISTS keeper@'%'; CREATE USER keeper@'%' IDENTIFIED BY 'keeperpw'");
  const execute = database === 'shop' ? ['GRANT EXECUTE ON FUNCTION shop.double_it TO $'] : [];
  for (const right of [...execute, ...rights]) await server.sql(right.replaceAll('$', "keeper@'%'"));
  return subject.source(database, { user: 'keeper', password: 'keeperpw', allowIncomplete });
}

async function gapsOf(source: Awaited<ReturnType<typeof keeper>>) {
  return (await source.probe(never)).gaps;
}

async function dumpOf(source: Awaited<ReturnType<typeof keeper>>) {
  const probe = await source.probe(never);
  return (await readDump(source.parts(probe)[0]!.open(never))).bytes.toString('utf8');
}

describe('a user whose backups are complete and cannot be proven equal', () => {
  const complete = [`GRANT ${FOUR} ON shop.* TO $`, 'GRANT SELECT ON mysql.proc TO $'];

  test.each([
    ['PROCESS', [], /cannot be proven equal: keeper@% may not see/],
    [
      'RELOAD',
      ['GRANT PROCESS ON *.* TO $'],
      /cannot be proven equal when others write .*: keeper@% may not hold/,
    ],
  ])('lacks %s → told, with the statement that mends it, and no gap', async (_, rights, told) => {
    const source = await keeper([...complete, ...rights]);
    const { gaps, lacksForProof } = await source.probe(never);
    expect(gaps).toEqual([]);
    expect(lacksForProof).toHaveLength(1);
    expect(lacksForProof[0]!.detail).toMatch(told);
    await server.sql(lacksForProof[0]!.mend);
    expect((await source.probe(never)).lacksForProof).toEqual([]);
  });
});

describe('a user who lacks a right', () => {
  test.each<{ gap: GapName; rights: string[] }>([
    {
      gap: 'tables',
      rights: ['GRANT SELECT ON shop.log TO $', 'GRANT SHOW VIEW, TRIGGER, EVENT ON shop.* TO $'],
    },
    {
      gap: 'triggers',
      rights: ['GRANT SELECT, SHOW VIEW, EVENT ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
    },
    {
      gap: 'events',
      rights: ['GRANT SELECT, SHOW VIEW, TRIGGER ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
    },
    {
      gap: 'views',
      rights: ['GRANT SELECT, TRIGGER, EVENT ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
    },
    { gap: 'routines', rights: [`GRANT ${FOUR} ON shop.* TO $`] },
  ])('→ gap "$gap", whose statement mends it, and then the dump is whole', async ({ gap, rights }) => {
    const source = await keeper(rights);
    const found = await gapsOf(source);
    expect(found.map(({ name }) => name)).toContain(gap);
    await expect(dumpOf(source)).rejects.toMatchObject({ kind: 'rights_missing' });

    for (const { mend } of found) await server.sql(mend);
    expect(await gapsOf(source)).toEqual([]);
    const dump = await dumpOf(source);
    expect(dump).toContain('PROCEDURE `Many lines`');
    expect(dump).toContain('TRIGGER `before`');
    expect(dump).toContain('EVENT `nightly`');
    expect(dump).toContain('VIEW `second view`');
  });

  test.each<{ gap: GapName; rights: string[]; lost: string; kept: string }>([
    {
      gap: 'triggers',
      rights: ['GRANT SELECT, SHOW VIEW, EVENT ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
      lost: 'TRIGGER `before`',
      kept: 'EVENT `nightly`',
    },
    {
      gap: 'events',
      rights: ['GRANT SELECT, SHOW VIEW, TRIGGER ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
      lost: 'EVENT `nightly`',
      kept: 'TRIGGER `before`',
    },
    {
      gap: 'views',
      rights: ['GRANT SELECT, TRIGGER, EVENT ON shop.* TO $', 'GRANT SELECT ON mysql.proc TO $'],
      lost: 'VIEW `names`',
      kept: 'TRIGGER `before`',
    },
    {
      gap: 'routines',
      rights: [`GRANT ${FOUR} ON shop.* TO $`],
      lost: 'PROCEDURE `Many lines`',
      kept: 'VIEW `names`',
    },
    {
      gap: 'tables',
      rights: [
        'GRANT SELECT ON shop.log TO $',
        'GRANT SELECT ON shop.nothing TO $',
        'GRANT SHOW VIEW, TRIGGER, EVENT ON shop.* TO $',
        'GRANT SELECT ON mysql.proc TO $',
        'GRANT SELECT, SHOW VIEW ON shop.names TO $',
        'GRANT SELECT, SHOW VIEW ON shop.`second view` TO $',
        'GRANT SELECT ON shop.numbers TO $',
      ],
      lost: 'CREATE TABLE `Customer`',
      kept: 'CREATE TABLE `log`',
    },
  ])(
    'allowed to lack "$gap" → a good dump without these, and with all else',
    async ({ gap, rights, lost, kept }) => {
      const dump = await dumpOf(await keeper(rights, [gap]));
      expect(dump).not.toContain(lost);
      expect(dump).toContain(kept);
    },
  );
});

describe('a user who lacks nothing', () => {
  test.each<[string, string[]]>([
    [
      'rights on the database and on mysql.proc',
      [`GRANT ${FOUR} ON shop.* TO $`, 'GRANT SELECT ON mysql.proc TO $'],
    ],
    ['rights on everything', [`GRANT ${FOUR} ON *.* TO $`]],
    ['a pattern that matches', [`GRANT ${FOUR} ON \`sh%\`.* TO $`, 'GRANT SELECT ON mysql.proc TO $']],
  ])('%s → no gap', async (_, rights) => {
    expect(await gapsOf(await keeper(rights))).toEqual([]);
  });

  test('rights by a default role → no gap; by a role that is not active → gaps', async () => {
    await server.sql(`CREATE OR REPLACE ROLE dumpers; GRANT ${FOUR} ON *.* TO dumpers`);
    const source = await keeper(['GRANT dumpers TO $', 'SET DEFAULT ROLE dumpers FOR $']);
    expect(await gapsOf(source)).toEqual([]);
    const idle = await keeper(['GRANT dumpers TO $', 'GRANT SELECT ON shop.log TO $']);
    expect((await gapsOf(idle)).map(({ name }) => name)).toEqual([
      'tables',
      'triggers',
      'events',
      'routines',
    ]);
  });

  test('an application that owns its database and all its routines → no gap, and the dump holds them', async () => {
    await server.sql('CREATE DATABASE own; CREATE TABLE own.t (id int)');
    onTestFinished(() => subject.dropDatabase('own'));
    const source = await keeper(['GRANT ALL ON own.* TO $'], [], 'own');
    await server.sql("CREATE DEFINER=keeper@'%' PROCEDURE own.mine() SELECT 1");
    expect(await gapsOf(source)).toEqual([]);
    expect(await dumpOf(source)).toContain('PROCEDURE `mine`');

    await server.sql('CREATE PROCEDURE own.foreign_one() SELECT 2');
    const gaps = await gapsOf(source);
    if (gaps.length === 0) {
      // From 11.3 on, ALL on a database includes the right to see what others defined in it.
      expect(await dumpOf(source)).toContain('PROCEDURE `foreign_one`');
      return;
    }
    expect(gaps).toMatchObject([
      { name: 'routines', mend: "GRANT SELECT ON `mysql`.`proc` TO 'keeper'@'%';" },
    ]);
    expect(gaps[0]!.detail).toContain('foreign_one');
  });

  test.each<{ pattern: string; covers: boolean }>([
    { pattern: 'a\\_b', covers: true },
    { pattern: 'a_b', covers: true },
    { pattern: 'a%', covers: true },
    { pattern: '%', covers: true },
    { pattern: 'a\\%b', covers: false },
    { pattern: 'A\\_b', covers: false },
    { pattern: 'a\\_', covers: false },
  ])('a grant on `$pattern` → covers a_b: $covers', async ({ pattern, covers }) => {
    await server.sql('CREATE DATABASE a_b; CREATE TABLE a_b.t (id int)');
    onTestFinished(() => subject.dropDatabase('a_b'));
    const rights = [`GRANT ALL ON \`${pattern}\`.* TO $`, 'GRANT SELECT ON mysql.proc TO $'];
    // So that the database is visible at all.
    const source = await keeper([...rights, 'GRANT INSERT ON a_b.t TO $'], [], 'a_b');
    expect((await gapsOf(source)).length === 0).toBe(covers);
    if (covers) expect(await dumpOf(source)).toContain('CREATE TABLE `t`');
  });

  test('of two grants that match → the server and we obey the more exact one', async () => {
    await server.sql('CREATE DATABASE a_b; CREATE TABLE a_b.t (id int)');
    onTestFinished(() => subject.dropDatabase('a_b'));
    await server.sql('CREATE TRIGGER a_b.seen BEFORE INSERT ON a_b.t FOR EACH ROW SET NEW.id = 1');
    const rights = ['GRANT SELECT, SHOW VIEW, EVENT ON `a\\_b`.* TO $', 'GRANT ALL ON `a%`.* TO $'];
    const source = await keeper([...rights, 'GRANT SELECT ON mysql.proc TO $'], ['triggers'], 'a_b');
    expect((await gapsOf(source)).map(({ name }) => name)).toEqual(['triggers']);
    expect(await dumpOf(source)).not.toContain('TRIGGER');
  });

  test('rights on single columns → do not stand for the table', async () => {
    const source = await keeper(['GRANT SELECT (id) ON shop.log TO $']);
    expect(await gapsOf(source)).toMatchObject([
      { name: 'tables', objects: ['log'] },
      { name: 'triggers' },
      { name: 'events' },
      { name: 'routines' },
    ]);
  });
});

test('an anonymous account for the very host → the message knows the trap', async () => {
  await server.sql("CREATE USER ''@'localhost'");
  const source = await keeper([`GRANT ${FOUR} ON *.* TO $`]);
  onTestFinished(async () => {
    await server.sql("DROP USER ''@'localhost'");
  });
  await expect(source.probe(never)).rejects.toMatchObject({
    kind: 'source_denied',
    hint: expect.stringContaining("DROP USER ''@'localhost'") as string,
  });
});

test('tables outside the snapshot, and history that is not dumped → are told', async () => {
  await server.sql('CREATE DATABASE odd');
  onTestFinished(() => subject.dropDatabase('odd'));
  await server.sql(
    'CREATE TABLE a (id int) ENGINE=MyISAM; CREATE TABLE b (id int) ENGINE=Aria; CREATE TABLE c (id int) WITH SYSTEM VERSIONING',
    'odd',
  );
  const { warnings } = await subject.source('odd').probe(never);
  expect(warnings[0]).toContain('a (MyISAM), b (Aria)');
  expect(warnings[1]).toContain('history of system-versioned tables is not dumped: c');
});

test('a view that calls a function which may not be executed → gap "views", whose statement mends it', async () => {
  const source = await keeper([`GRANT ${FOUR} ON *.* TO $`]);
  await server.sql("REVOKE EXECUTE ON FUNCTION shop.double_it FROM keeper@'%'");
  const gaps = await gapsOf(source);
  expect(gaps).toMatchObject([{ name: 'views', objects: ['names', 'second view'] }]);
  expect(gaps[0]!.detail).toContain('double_it');
  await server.sql(gaps[0]!.mend);
  expect(await gapsOf(source)).toEqual([]);
  await dumpOf(source);
});

test('a view over a table that is gone → gap "views" names it; allowed, the dump is good and lacks it', async () => {
  await server.sql('CREATE DATABASE stale; CREATE TABLE stale.a (id int); CREATE TABLE stale.t (id int)');
  onTestFinished(() => subject.dropDatabase('stale'));
  await server.sql('CREATE VIEW stale.v AS SELECT * FROM stale.a; DROP TABLE stale.a');
  const gaps = await gapsOf(subject.source('stale'));
  expect(gaps).toMatchObject([{ name: 'views', objects: ['v'] }]);
  const dump = await dumpOf(subject.source('stale', { allowIncomplete: ['views'] }));
  expect(dump).toContain('CREATE TABLE `t`');
  expect(dump).not.toContain('VIEW `v`');
  await server.sql(gaps[0]!.mend);
  expect(await gapsOf(subject.source('stale'))).toEqual([]);
});

test('a view whose definer is gone → no gap, and the dump holds it', async () => {
  await server.sql('CREATE DATABASE orphan; CREATE TABLE orphan.t (id int)');
  onTestFinished(() => subject.dropDatabase('orphan'));
  await server.sql("CREATE DEFINER=ghost@'%' VIEW orphan.v AS SELECT * FROM orphan.t");
  expect(await gapsOf(subject.source('orphan'))).toEqual([]);
  expect(await dumpOf(subject.source('orphan'))).toContain('VIEW `v` AS');
});

test('a scratch database that may not be created → the GRANT that allows it', async () => {
  const source = await keeper([`GRANT ${FOUR} ON shop.* TO $`]);
  const error: unknown = await source
    .createDatabase('holdfast_scratch_1', never)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: 'rights_missing' });
  const grant = /GRANT .*;/.exec((error as { hint: string }).hint)![0];
  expect(grant).toContain('holdfast\\_scratch\\_%');
  await server.sql(grant);
  await source.createDatabase('holdfast_scratch_1', never);
  await source.dropDatabase('holdfast_scratch_1', never);
});

test('binary log on, creators not trusted → triggers and functions that this user could not restore, and the statement that mends it', async () => {
  const logging = await startMariadb(['--log-bin', '--server-id=1']);
  onTestFinished(() => logging.stop());
  await logging.sql(
    `CREATE DATABASE own; USE own; CREATE TABLE t (a int); CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON own.* TO app@'%';
     CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;
     CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1; CREATE FUNCTION g() RETURNS int NO SQL RETURN 1`,
  );
  const on = mariadbSubject(logging);
  const owner = on.source('own', { user: 'app', password: 'app', allowIncomplete: ['routines'] });
  const hurdlesOf = async (source: typeof owner) => (await source.probe(never)).hurdles;

  const [hurdle] = await hurdlesOf(owner);
  expect(hurdle!.detail).toMatch(
    /lets only an administrator make .*, and own has 1 trigger and 2 functions$/,
  );
  expect(await hurdlesOf(on.source('own'))).toEqual([]);

  await logging.sql(
    'SET GLOBAL log_bin_trust_function_creators = 1; CREATE FUNCTION own.h() RETURNS int RETURN 1',
  );
  expect(await hurdlesOf(owner)).toEqual([]);
  await logging.sql('SET GLOBAL log_bin_trust_function_creators = 0');
  expect((await hurdlesOf(on.source('own')))[0]!.detail).toContain(
    'lets nobody make functions that do not say what they read, and own has 1 function',
  );

  await logging.sql(/SET GLOBAL [^;]*;/.exec(hurdle!.mend)![0]);
  expect(await hurdlesOf(owner)).toEqual([]);
});
