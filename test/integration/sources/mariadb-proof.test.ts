import { createHash } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { MysqlSourceConfig } from '../../../agent/config/config.ts';
import { compare } from '../../../agent/proof/compare.ts';
import { proofSchema, type Proof, type ProofOutcome } from '../../../agent/proof/proof.ts';
import { createSource } from '../../../agent/sources/create.ts';
import { withCommitsHeld } from '../../../agent/sources/mysql/proof/lock.ts';
import { CRC_PRODUCT, SHA2 } from '../../../agent/sources/mysql/proof/row-hash.ts';
import type { Source } from '../../../agent/sources/source.ts';
import { fakeProgram } from '../../helpers/fake-program.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import { HOSTILE_ROWS } from '../../helpers/mariadb-hostile.ts';
import type { TestServer } from '../../helpers/server.ts';
import { mysqlConfig, readDump, streamOf, testDeps } from '../../helpers/sources.ts';
import { until } from '../../helpers/until.ts';

const never = new AbortController().signal;
let server: TestServer;
let number = 0;

beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

interface Shop {
  database: string;
  source: Source;
  sql: (text: string) => Promise<Record<string, unknown>[]>;
}

async function database(setUp: string, more: Partial<MysqlSourceConfig> = {}, tools = {}): Promise<Shop> {
  const name = `shop_${(number += 1)}`;
  await server.sql(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  onTestFinished(async () => {
    await server.sql(`DROP DATABASE IF EXISTS ${name}`);
  });
  if (setUp !== '') await server.sql(setUp, name);
  return shopOf(name, more, tools);
}

function shopOf(name: string, more: Partial<MysqlSourceConfig> = {}, tools = {}): Shop {
  const source = createSource(mysqlConfig({ port: server.port, database: name, ...more }), {
    ...testDeps(),
    ...tools,
  });
  return { database: name, source, sql: (text) => server.sql(text, name) };
}

async function backUp(source: Source): Promise<{ bytes: Buffer; outcome: ProofOutcome }> {
  const probe = await source.probe(never);
  const dump = source.parts(probe)[0]!.open(never);
  const { bytes } = await readDump(dump);
  return { bytes, outcome: await dump.proof! };
}

function taken(outcome: ProofOutcome): Proof {
  expect(outcome.why).toBeNull();
  return proofSchema.parse(outcome.proof);
}

/** Loads the dump into a database beside the source's; gives what is found there. */
async function restore(shop: Shop, bytes: Buffer, proof: Proof) {
  const copy = `${shop.database}_copy`;
  await server.sql(`CREATE DATABASE ${copy}`);
  onTestFinished(async () => {
    await server.sql(`DROP DATABASE IF EXISTS ${copy}`);
  });
  await shop.source.restoreInto(copy, streamOf(bytes), never);
  return {
    sql: (text: string) => server.sql(text, copy),
    found: () => shop.source.prove(copy, proof, never),
  };
}

/** What two proofs say of contents, but for what no dump carries of them. */
const contents = ({ method, tables, counters, objects, level }: Proof) => ({
  method,
  level,
  tables: tables.map((table) => ({ ...table, cut: undefined })),
  counters,
  objects,
});

/** Commits all the time until it is ended, by several sessions. */
async function writers(shop: Shop, statement: string) {
  const state = { ended: false, rows: 0 };
  const write = async () => {
    const { host, port } = server;
    const connection = await createConnection({
      host,
      port,
      user: 'boss',
      password: 'bosspw',
      database: shop.database,
    });
    while (!state.ended) {
      await connection.query(statement);
      state.rows += 1;
    }
    await connection.end();
  };
  const all = [write(), write()];
  const end = async () => {
    state.ended = true;
    await Promise.all(all);
  };
  onTestFinished(end);
  await until('somebody writes', () => Promise.resolve(state.rows > 5));
  return end;
}

describe('a restored dump', () => {
  test('of hostile names and types → has all that its proof says', async () => {
    const subject = mariadbSubject(server);
    await subject.createNasty('nasty');
    onTestFinished(() => subject.dropDatabase('nasty'));
    await server.sql(HOSTILE_ROWS, 'nasty');
    const shop = shopOf('nasty');
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    expect(proof.unproven).toBeNull();
    const { found } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
    expect(proof.tables.filter(({ checksum }) => checksum === null)).toEqual([]);
    expect(proof.tables.filter(({ cut }) => cut !== undefined)).toMatchObject([
      { name: 'types', cut: expect.stringMatching(/^2 rows hold FLOAT values/) as string },
    ]);
    expect(new Set(proof.objects.map(({ kind }) => kind))).toEqual(
      new Set([
        ...['database', 'table', 'column', 'index', 'constraint', 'partition'],
        ...['view', 'sequence', 'routine', 'trigger', 'event'],
      ]),
    );
    expect(proof.counters).toContainEqual({
      name: 'numbers',
      value: expect.stringMatching(/^\d+$/) as string,
    });
  });

  test('whose source is written to all the time → is from the very moment of its proof', async () => {
    const shop = await database(
      'CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, x text); INSERT INTO t (x) SELECT MD5(seq) FROM seq_1_to_20000',
    );
    const end = await writers(shop, "INSERT INTO t (x) VALUES ('more')");
    const { bytes, outcome } = await backUp(shop.source);
    await end();
    const proof = taken(outcome);
    expect(proof.unproven).toBeNull();
    const { found } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
    expect(proof.tables[0]!.rows).toBeGreaterThan(20_000);
    const [now] = await shop.sql('SELECT COUNT(*) AS n FROM t');
    expect(Number(now!.n)).toBeGreaterThan(proof.tables[0]!.rows);
  });
});

describe('views whose text the server changes when it loads it', () => {
  const TABLES =
    'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE TABLE u (a int, x int); CREATE VIEW pairs AS SELECT t.a, u.x FROM t, u WHERE t.a = u.a';

  test('comma joins of all kinds → have what their proof says', async () => {
    const shop = await database(`${TABLES};
      CREATE VIEW three AS SELECT t.a FROM t, u, t t2 WHERE t.a = u.a AND t2.a = u.x;
      CREATE VIEW outer_and_comma AS SELECT t.a FROM t LEFT JOIN u ON t.a = u.a, t t2;
      CREATE VIEW derived AS SELECT q.a, r.x FROM (SELECT * FROM t) q, (SELECT * FROM u) r;
      CREATE VIEW united AS SELECT q.a FROM ((SELECT a FROM t) UNION (SELECT a FROM u)) q, t t2;
      CREATE VIEW inner_query AS SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t t2, u WHERE t2.a = t.a);
      CREATE VIEW recursion AS WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT r.n FROM r, t, u WHERE t.a = r.n`);
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    const { found } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
  });

  test.each([
    ['another condition', 'SELECT t.a, u.x FROM t, u WHERE t.a = u.x'],
    ['another kind of join', 'SELECT t.a, u.x FROM t LEFT JOIN u ON t.a = u.a'],
    ['another table', 'SELECT t.a, u.a AS x FROM t, (SELECT a FROM t) u WHERE t.a = u.a'],
  ])('%s → is told', async (_, definition) => {
    const shop = await database(TABLES);
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    const { found, sql } = await restore(shop, bytes, proof);
    await sql(`CREATE OR REPLACE VIEW pairs AS ${definition}`);
    expect(compare(proof, await found()).differences).toEqual([
      { kind: 'object_changed', object: 'view', name: 'pairs' },
    ]);
  });
});

test('a procedure that makes a table by what SHOW CREATE TABLE gives → its text counts for no table and no counter', async () => {
  const body = `CREATE TABLE \`archive\` (
  \`id\` int(11) NOT NULL AUTO_INCREMENT,
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB AUTO_INCREMENT=1000 DEFAULT CHARSET=utf8mb4;`;
  const shop = await database(
    `CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT); INSERT INTO orders VALUES (1), (2);
     CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW BEGIN\n/*\n${body}\n*/ SET NEW.id = NEW.id; END;
     CREATE TABLE zoo (id int PRIMARY KEY AUTO_INCREMENT); INSERT INTO zoo VALUES (6);
     CREATE PROCEDURE make_archive() BEGIN\n${body}\nEND`,
  );
  const { bytes, outcome } = await backUp(shop.source);
  const proof = taken(outcome);
  expect(proof.counters).toEqual([
    { name: 'orders', value: '3' },
    { name: 'zoo', value: '7' },
  ]);
  const { found } = await restore(shop, bytes, proof);
  expect(contents(await found())).toEqual(contents(proof));
});

describe('what a restore changed is found', () => {
  const changes: [what: string, statement: string][] = [
    ['one value', "UPDATE t SET x = 'other' WHERE id = 7"],
    ['a NULL that became empty', "UPDATE t SET x = '' WHERE x IS NULL"],
    ['a separator that moved from one column to the next', "UPDATE t SET x = 'a', y = '#b' WHERE id = 1"],
    ['a lost row', 'DELETE FROM t WHERE id = 7'],
    ['rows in pairs', "UPDATE pairs SET x = 'b'"],
    ['a dropped index', 'DROP INDEX i ON t'],
    ['a dropped foreign key', 'ALTER TABLE child DROP FOREIGN KEY fk'],
    ['a dropped check', 'ALTER TABLE child DROP CONSTRAINT positive'],
    ['a changed default', "ALTER TABLE t ALTER y SET DEFAULT 'z'"],
    ['a changed routine', 'DROP PROCEDURE p; CREATE PROCEDURE p() SELECT 2'],
    ['a changed view', 'CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 1'],
    ['a missing trigger', 'DROP TRIGGER tr'],
    ['a missing event', 'DROP EVENT e'],
    ['another engine', 'ALTER TABLE pairs ENGINE = Aria'],
    ['a lowered auto-increment', 'ALTER TABLE t AUTO_INCREMENT = 1'],
    ['a sequence set back', 'ALTER SEQUENCE s RESTART 1'],
  ];
  test.each(changes)('%s', async (_, statement) => {
    const shop = await database(`
      CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, x varchar(20), y varchar(20) DEFAULT 'y', KEY i (x));
      INSERT INTO t (x) SELECT IF(seq = 3, NULL, seq) FROM seq_1_to_50; UPDATE t SET x = 'a#', y = 'b' WHERE id = 1; DELETE FROM t WHERE id > 40;
      CREATE TABLE pairs (x char(1)); INSERT INTO pairs VALUES ('a'), ('a');
      CREATE TABLE child (id int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES t (id), CONSTRAINT positive CHECK (id > 0));
      CREATE PROCEDURE p() SELECT 1; CREATE VIEW v AS SELECT id FROM t;
      CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.y = 'new';
      CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t;
      CREATE SEQUENCE s; SELECT NEXTVAL(s)`);
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    const { found, sql } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
    await sql(statement);
    expect(contents(await found())).not.toEqual(contents(proof));
  });
});

const GROWING = 'CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, x text)';
const GROW = "INSERT INTO t (x) VALUES ('more')";

/** An account for what a backup needs, and whatever else is given. */
async function keeper(rights: string): Promise<{ user: string; password: string }> {
  const user = `keeper_${(number += 1)}`;
  await server.sql(`CREATE USER ${user}@'%' IDENTIFIED BY 'pw';
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON \`shop%\`.* TO ${user}@'%'; GRANT SELECT ON mysql.proc TO ${user}@'%'`);
  if (rights !== '') await server.sql(`GRANT ${rights} ON *.* TO ${user}@'%'`);
  onTestFinished(async () => {
    await server.sql(`DROP USER ${user}@'%'`);
  });
  return { user, password: 'pw' };
}

describe('rights', () => {
  test.each([
    ['PROCESS alone, and nobody writes', 'PROCESS', false, null],
    ['PROCESS alone, and somebody writes', 'PROCESS', true, /GRANT RELOAD ON \*\.\* TO 'keeper/],
    ['PROCESS and RELOAD, and somebody writes', 'PROCESS, RELOAD', true, null],
    ['neither', '', false, /GRANT PROCESS, RELOAD ON \*\.\* TO 'keeper/],
  ])('%s', async (_, rights, busy, unproven) => {
    const who = await keeper(rights);
    const shop = await database(GROWING, who);
    await shop.sql(GROW);
    if (busy) await writers(shop, GROW);
    const { bytes, outcome } = await backUp(shop.source);
    expect(bytes.toString()).toContain('-- Dump completed');
    const proof = taken(outcome);
    expect(proof.tables[0]!.rows).toBeGreaterThan(0);
    if (unproven === null) expect(proof.unproven).toBeNull();
    else expect(proof.unproven).toMatch(unproven);
  });
});

test('a statement that runs for long while others write → no lock is taken, and the proof says so', async () => {
  const shop = await database(`${GROWING}; CREATE TABLE other (n int)`);
  await writers(shop, GROW);
  const { host, port } = server;
  const slow = await createConnection({
    host,
    port,
    user: 'boss',
    password: 'bosspw',
    database: shop.database,
  });
  onTestFinished(() => slow.destroy());
  slow.query('INSERT INTO other SELECT SLEEP(600)').catch(() => undefined);
  onTestFinished(async () => {
    await server.sql(`KILL ${slow.threadId}`);
  });
  await until('it has run for long', async () => {
    const rows = await server.sql(
      `SELECT time FROM information_schema.processlist WHERE id = ${slow.threadId}`,
    );
    return Number(rows[0]!.time) >= 3;
  });
  const { bytes, outcome } = await backUp(shop.source);
  expect(bytes.toString()).toContain('-- Dump completed');
  expect(taken(outcome).unproven).toMatch(/no lock was taken because a statement has been running/);
});

test('somebody reads for long while others write → the lock harms nobody, and is taken', async () => {
  const shop = await database(GROWING);
  await writers(shop, GROW);
  const { host, port } = server;
  const slow = await createConnection({
    host,
    port,
    user: 'boss',
    password: 'bosspw',
    database: shop.database,
  });
  onTestFinished(() => slow.destroy());
  slow.query('SELECT SLEEP(600) FROM t LIMIT 1').catch(() => undefined);
  onTestFinished(async () => {
    await server.sql(`KILL ${slow.threadId}`);
  });
  await until('it has run for long', async () => {
    const rows = await server.sql(
      `SELECT time FROM information_schema.processlist WHERE id = ${slow.threadId}`,
    );
    return Number(rows[0]!.time) >= 3;
  });
  const { outcome } = await backUp(shop.source);
  expect(taken(outcome).unproven).toBeNull();
});

test('the session that reads is killed midway → the dump is good, and the proof says why there is none', async () => {
  const shop = await database(
    'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE VIEW slow AS SELECT 1',
  );
  const { host, port } = server;
  const holder = await createConnection({
    host,
    port,
    user: 'boss',
    password: 'bosspw',
    database: shop.database,
  });
  onTestFinished(() => holder.end());
  const probe = await shop.source.probe(never);
  await holder.query('LOCK TABLES t WRITE');
  const dump = shop.source.parts(probe)[0]!.open(never);
  const reading = readDump(dump);
  const id = await until('the proof waits for the table', async () => {
    const rows = await server.sql(
      "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT COUNT(*)%' AND state LIKE 'Waiting%'",
    );
    return rows.length > 0 && Number(rows[0]!.id);
  });
  await server.sql(`KILL ${id}`);
  await holder.query('UNLOCK TABLES');
  expect((await reading).bytes.toString()).toContain('-- Dump completed');
  expect(await dump.proof).toMatchObject({
    proof: null,
    why: expect.stringContaining('ended the connection') as string,
  });
});

test('the dump client is slow to begin under the lock → writers wait for less than 2 s, and the proof says why', async () => {
  const folder = temporaryFolder();
  // The first three are quick, and find that others write.
  fakeProgram(
    folder,
    'mariadb-dump',
    `[ "$2" != --version ] || exec mariadb-dump "$@"
     echo >>${folder}/starts
     [ $(wc -l <${folder}/starts) -le 3 ] || sleep 4
     exec mariadb-dump "$@"`,
  );
  const shop = await database(GROWING, {}, { tools: { mysqlDirs: [folder], postgresDirs: [], caFile: '' } });
  const { host, port } = server;
  const writer = await createConnection({
    host,
    port,
    user: 'boss',
    password: 'bosspw',
    database: shop.database,
  });
  const state = { ended: false, longest: 0 };
  const writing = (async () => {
    while (!state.ended) {
      const begun = performance.now();
      await writer.query(GROW);
      state.longest = Math.max(state.longest, performance.now() - begun);
    }
    await writer.end();
  })();
  const { bytes, outcome } = await backUp(shop.source);
  state.ended = true;
  await writing;
  expect(bytes.toString()).toContain('-- Dump completed');
  expect(taken(outcome).unproven).toMatch(/took too long to begin under a lock/);
  // It was held, and let go.
  expect(state.longest).toBeGreaterThan(500);
  expect(state.longest).toBeLessThan(3000);
});

test('we hang while the lock is held → the server itself frees it', async () => {
  const shop = await database(GROWING);
  const config = mysqlConfig({ port: server.port, database: shop.database });
  const hanging = withCommitsHeld(config, { signal: never, caFile: '' }, () => shop.sql(GROW));
  await expect(hanging).rejects.toThrow(/the server ended the lock/);
  expect(await shop.sql('SELECT id FROM t')).toHaveLength(1);
});

test('a proof of the method before → is compared by that, and with either one two rows that exchanged a value are not what they were', async () => {
  const shop = await database(
    "CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'Anna'), (2, 'Bert'), (3, ''), (4, NULL)",
  );
  const proof = taken((await backUp(shop.source)).outcome);
  expect(proof.method).toBe(CRC_PRODUCT);
  const before = await shop.source.prove(shop.database, { ...proof, method: SHA2 }, never);
  expect(before.method).toBe(SHA2);
  expect(before.tables[0]!.checksum).toBe(sumOfSha2(['1#Anna#0', '2#Bert#0', '3##0', '4#1']));
  await shop.sql("UPDATE t SET x = IF(id = 1, 'Bert', 'Anna') WHERE id < 3");
  for (const known of [proof, before]) {
    const found = await shop.source.prove(shop.database, known, never);
    expect(found.method).toBe(known.method);
    expect(found.tables[0]!.rows).toBe(4);
    expect(found.tables[0]!.checksum).not.toBe(known.tables[0]!.checksum);
  }
});

function sumOfSha2(rows: string[]): string {
  const first64 = (text: string) => createHash('sha256').update(text).digest().readBigUInt64BE();
  return String(
    BigInt.asUintN(
      64,
      rows.map(first64).reduce((sum, one) => sum + one),
    ),
  );
}

describe('how much is read', () => {
  const LARGE = `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT seq, REPEAT(MD5(seq), 10) FROM seq_1_to_20000;
    CREATE TABLE u (id char(36) PRIMARY KEY, x text); INSERT INTO u SELECT UUID(), REPEAT(MD5(seq), 10) FROM seq_1_to_5000; ANALYZE TABLE t, u`;

  test('a table above the limit → ranges of its key, all rows counted; without such a key only counted', async () => {
    const shop = await database(LARGE, { proofLimitBytes: 1_000_000 });
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    const [t, u] = proof.tables;
    expect(t).toMatchObject({ rows: 20_000, checksum: expect.any(String) as string, sample: { key: 'id' } });
    expect(t!.sample!.ranges).toHaveLength(16);
    expect(u).toMatchObject({ rows: 5000, checksum: null, sample: null });
    const { found, sql } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
    await sql(`UPDATE t SET x = 'other' WHERE id = ${t!.sample!.ranges[5]![0]}`);
    expect((await found()).tables[0]!.checksum).not.toBe(t!.checksum);
  });

  test('a row that is too long to be put together → the table is only counted', async () => {
    const shop = await database('CREATE TABLE t (id int PRIMARY KEY, a longblob, b longblob)');
    const [limit] = await shop.sql('SELECT @@max_allowed_packet AS n');
    await shop.sql(
      `INSERT INTO t VALUES (1, '', ''), (2, REPEAT('a', ${Number(limit!.n)} - 100), REPEAT('b', 10000))`,
    );
    const { outcome } = await backUp(shop.source);
    expect(taken(outcome).tables).toMatchObject([{ rows: 2, checksum: null }]);
  });

  test('counts → no checksums', async () => {
    const shop = await database(LARGE, { proof: 'counts' });
    const { bytes, outcome } = await backUp(shop.source);
    const proof = taken(outcome);
    expect(proof).toMatchObject({
      level: 'counts',
      tables: [{ rows: 20_000, checksum: null }, { rows: 5000 }],
    });
    const { found } = await restore(shop, bytes, proof);
    expect(contents(await found())).toEqual(contents(proof));
  });

  test('none → no proof', async () => {
    const shop = await database(LARGE, { proof: 'none' });
    const dump = shop.source.parts(await shop.source.probe(never))[0]!.open(never);
    expect(dump.proof).toBeUndefined();
    await readDump(dump);
  });

  test('a table without transactions → has its excuse', async () => {
    const shop = await database('CREATE TABLE m (id int) ENGINE = MyISAM; INSERT INTO m VALUES (1)');
    expect(taken((await backUp(shop.source)).outcome).tables).toMatchObject([
      { name: 'm', rows: 1, excuse: expect.stringContaining('MyISAM has no transactions') as string },
    ]);
  });
});

test('a table is altered while the dump runs → equality is not proven', async () => {
  const shop = await database(`${GROWING}; ${GROW}; CREATE TABLE a (id int)`);
  const probe = await shop.source.probe(never);
  const dump = shop.source.parts(probe)[0]!.open(never);
  const chunks = dump.stream[Symbol.asyncIterator]();
  const first = await chunks.next();
  expect(first.done).not.toBe(true);
  await until('the rows were read', async () => {
    const rows = await server.sql(
      "SELECT 1 FROM information_schema.processlist WHERE command = 'Sleep' AND user = 'boss' AND time >= 1",
    );
    return rows.length > 0;
  });
  await shop.sql('CREATE INDEX later ON t (x(5))');
  while ((await chunks.next()).done !== true);
  await dump.done;
  expect(taken(await dump.proof!).unproven).toMatch(/altered while the dump ran/);
});

test('the dump is aborted → the proof settles and says so', async () => {
  const shop = await database(`${GROWING}; ${GROW}`);
  const abort = new AbortController();
  const dump = shop.source.parts(await shop.source.probe(never))[0]!.open(abort.signal);
  abort.abort();
  await expect(dump.done).rejects.toMatchObject({ kind: 'interrupted' });
  expect(await dump.proof).toMatchObject({ proof: null, why: expect.any(String) as string });
});
