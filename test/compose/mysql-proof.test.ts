import { beforeAll, describe, expect, it } from 'vitest';
import { MYSQL_HOSTILE } from '../helpers/mysql-hostile.ts';
import type { Stack } from '../helpers/stack.ts';
import { createMysqlStack, startMysql } from './mysql.ts';

/** Runs in the agent's container, where MySQL's own clients are: dumps `shop`, loads it beside the original, and compares what the proof says of both. */
const COMPARE = `
import { createConnection } from 'mysql2/promise';
import { createProcesses } from '/opt/holdfast/agent/process/run.ts';
import { createSource } from '/opt/holdfast/agent/sources/create.ts';
import { loadEngines } from '/opt/holdfast/agent/sources/engines.ts';

const never = new AbortController().signal;
const COPY = 'holdfast_scratch_copy';
const account = { host: 'db', user: 'holdfast', password: 'secret' };
const connect = () => createConnection({ host: 'db', user: 'root', password: 'top-secret', ssl: { rejectUnauthorized: false }, database: 'shop' });
const source = createSource(
  { ...account, type: 'mysql', name: 'shop', database: 'shop', port: 3306, tls: 'preferred', caFile: null, listedIn: null,
    compression: 'none', gates: true, proof: 'checksums', proofLimitBytes: null, allowIncomplete: [] },
  { processes: createProcesses({ PATH: process.env.PATH, HOME: '/tmp', LANG: 'C.UTF-8' }), runtimeDir: '/tmp/proof',
    engines: await loadEngines([{ type: 'mysql' }]) },
);
const state = { ended: false, rows: 0 };
const write = async () => {
  const connection = await connect();
  while (!state.ended) {
    await connection.query("INSERT INTO busy (x) VALUES ('more')");
    state.rows += 1;
  }
  await connection.end();
};
const busy = process.env.BUSY === 'yes';
const writing = busy ? write() : null;
while (busy && state.rows < 5) await new Promise((resolve) => setTimeout(resolve, 10));
const dump = source.parts(await source.probe(never))[0].open(never);
const chunks = [];
for await (const chunk of dump.stream) chunks.push(chunk);
await dump.done;
const { proof, why } = await dump.proof;
state.ended = true;
await writing;
await source.dropDatabase(COPY, never);
await source.createDatabase(COPY, never);
await source.restoreInto(COPY, (async function* () { yield* chunks; })(), never);
const found = await source.prove(COPY, proof, never);
// What no dump carries is missing in what it brings back.
const lines = (list) => list.map((item) => JSON.stringify({ ...item, cut: undefined }));
const differences = ['tables', 'counters', 'objects'].flatMap((key) => {
  const [there, here] = [new Set(lines(proof[key])), new Set(lines(found[key]))];
  return [...there.symmetricDifference(here)];
});
const cut = proof.tables.flatMap((table) => table.cut ?? []);
const notHashed = proof.tables.filter(({ checksum }) => checksum === null).length;
console.log(JSON.stringify({ why, unproven: proof.unproven, differences, notHashed, cut, kinds: [...new Set(proof.objects.map(({ kind }) => kind))] }));
`;

/** As docs/security.md has them; EXECUTE for a view that calls a function. */
const GRANTS = `CREATE USER 'holdfast'@'%' IDENTIFIED BY 'secret';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON \`shop\`.* TO 'holdfast'@'%';
GRANT SHOW_ROUTINE ON *.* TO 'holdfast'@'%';
GRANT PROCESS, FLUSH_TABLES ON *.* TO 'holdfast'@'%';
GRANT ALL ON \`holdfast\\_scratch\\_%\`.* TO 'holdfast'@'%';
`;

describe('the proof of MySQL', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await createMysqlStack([MYSQL_HOSTILE, GRANTS], { 'compare.mjs': COMPARE });
    return () => stack.remove();
  });

  beforeAll(() => stack.explained(() => startMysql(stack, '-uroot -ptop-secret', 'busy')));

  it.each([
    ['nobody writes', 'no'],
    ['somebody writes all the time', 'yes'],
  ])('%s → it is that of the restored dump, to the last value', async (_, busy) => {
    const told = await stack.explained(() =>
      stack.ask(
        `docker compose run --rm -T --no-deps -e BUSY=${busy} db_backup node --disable-warning=ExperimentalWarning --input-type=module - <compare.mjs`,
        180_000,
      ),
    );
    expect(JSON.parse(told)).toEqual({
      why: null,
      unproven: null,
      differences: [],
      notHashed: 0,
      cut: [expect.stringMatching(/^2 rows hold FLOAT values of more than six digits/) as string],
      kinds: expect.arrayContaining([
        'check',
        'constraint',
        'event',
        'partition',
        'routine',
        'trigger',
        'view',
      ]) as string[],
    });
  });
});
