import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { compare } from '../../../agent/proof/compare.ts';
import type { Source } from '../../../agent/sources/source.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { mariadbSubject } from '../../helpers/mariadb-subject.ts';
import type { TestServer } from '../../helpers/server.ts';
import { readDump, streamOf } from '../../helpers/sources.ts';

const never = new AbortController().signal;
const servers: TestServer[] = [];
let exact: TestServer;
let folding: TestServer;

beforeAll(async () => {
  servers.push(...(await Promise.all([startMariadb(), startMariadb(['--lower-case-table-names=1'])])));
  [exact, folding] = servers as [TestServer, TestServer];
});
afterAll(async () => {
  for (const server of servers) await server.stop();
});

async function backUp(source: Source) {
  const dump = source.parts(await source.probe(never))[0]!.open(never);
  const { bytes } = await readDump(dump);
  return { bytes, proof: (await dump.proof!).proof! };
}

test('two databases whose names differ in case alone → a backup, its proof and a swap of the one see nothing of the other', async () => {
  const subject = mariadbSubject(exact);
  onTestFinished(async () => {
    for (const name of ['Kram', 'kram', 'holdfast_scratch_1', 'Kram_before_20261101_150000'])
      await subject.dropDatabase(name);
  });
  await exact.sql(
    `CREATE DATABASE kram CHARACTER SET latin1; CREATE TABLE kram.b (id int PRIMARY KEY); CREATE PROCEDURE kram.p() SELECT 1;
     CREATE TRIGGER kram.tr BEFORE INSERT ON kram.b FOR EACH ROW SET NEW.id = 1; CREATE EVENT kram.ev ON SCHEDULE EVERY 1 DAY DO SELECT 1;
     CREATE DATABASE Kram CHARACTER SET utf8mb4; CREATE TABLE Kram.a (id int PRIMARY KEY); INSERT INTO Kram.a VALUES (1); CREATE VIEW Kram.v AS SELECT 1 AS x`,
  );
  const source = subject.source('Kram');
  const before = await subject.fingerprint('kram');
  const { bytes, proof } = await backUp(source);
  expect(proof.objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'column a.id',
    'database def',
    'index a.PRIMARY',
    'table a',
    'view v',
  ]);
  await source.createDatabase('holdfast_scratch_1', never);
  const loaded = await source.restoreInto('holdfast_scratch_1', streamOf(bytes), never);
  expect(compare(proof, await source.prove('holdfast_scratch_1', proof, never)).differences).toEqual([]);
  const [fresh, keep] = ['holdfast_scratch_1', 'Kram_before_20261101_150000'];
  expect(await source.swapHurdle(keep, never)).toBeNull();
  expect(await source.swapIn(await source.planSwap({ fresh, keep, loaded }, never), never)).toEqual([]);
  expect(await source.inspect('Kram', never)).toEqual({
    tables: [{ name: 'a', rows: 1 }],
    views: 1,
    routines: 0,
    triggers: 0,
    events: 0,
  });
  await source.emptyDatabase('Kram', never);
  expect(await subject.fingerprint('kram')).toBe(before);
});

test('a name in another spelling than that of a server which takes both for one → refused before anything, with the one to write', async () => {
  await folding.sql('CREATE DATABASE Shop; CREATE TABLE Shop.t (id int PRIMARY KEY)');
  const wrong = mariadbSubject(folding).source('Shop');
  const refusal = {
    kind: 'configuration',
    message: expect.stringContaining('writes the database Shop as shop') as string,
    hint: expect.stringMatching(/SHOW DATABASES .*: shop\.$/) as string,
  };
  await expect(wrong.probe(never)).rejects.toMatchObject(refusal);
  await expect(wrong.listDatabases('Shop', never)).rejects.toMatchObject(refusal);
  await expect(wrong.createDatabase('Shop', never)).rejects.toMatchObject(refusal);

  const right = mariadbSubject(folding).source('shop');
  expect((await right.probe(never)).tableNames).toEqual(['t']);
  expect(await right.listDatabases('shop', never)).toEqual(['shop']);
  await expect(right.createDatabase('SHOP', never)).rejects.toMatchObject({ kind: 'configuration' });
  await expect(right.createDatabase('shop', never)).rejects.toMatchObject({
    kind: 'target_not_empty',
    hint: expect.not.stringMatching(/drop/i) as string,
  });
});
