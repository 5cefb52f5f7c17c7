import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { blocksOf } from '../../helpers/docs.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import type { TestServer } from '../../helpers/server.ts';

/** The statements that docs/security.md prints for a server, as they stand but for the name of the database. */
function printedFor(heading: RegExp, database: string): string[] {
  const blocks = blocksOf('docs/security.md', 'sql').filter(({ text }) => heading.test(text));
  expect(blocks).toHaveLength(1);
  return blocks[0]!.text
    .replace(/^--.*$/gm, '')
    .replaceAll('`shop`', `\`${database}\``)
    .replaceAll('DATABASE shop', `DATABASE ${database}`)
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

describe.each([
  { engine: mariadb, block: mariadbBlock, scheme: 'mysql' },
  { engine: postgres, block: () => Promise.resolve(/pg_read_all_data/), scheme: 'postgresql' },
])('the rights that docs/security.md prints for $engine.name', ({ engine, block, scheme }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  test('are enough for the doctor, a proven backup and its verification', async () => {
    const { database } = await engine.createShop(server, 1000);
    for (const statement of printedFor(await block(server), database)) await server.sql(statement);
    const url = `${scheme}://holdfast:secret@127.0.0.1:${server.port}/${database}`;
    const agent = await testAgent({ DATABASE_URL: url });

    const backup = await agent.run(['backup']);
    expect(backup.code, backup.stderr).toBe(0);
    const verify = await agent.run(['verify']);
    expect(verify.stderr).toMatch(/equal to the source; proved/);
    expect(verify.code, verify.stderr).toBe(0);
    const doctor = await agent.run(['doctor']);
    expect(doctor.code, doctor.stdout).toBe(0);
  });
});

async function mariadbBlock(server: TestServer): Promise<RegExp> {
  const [row] = await server.sql('SELECT VERSION() AS version');
  const [major = 0, minor = 0] = String(row?.['version']).split('.').map(Number);
  return major > 11 || (major === 11 && minor >= 3) ? /SHOW CREATE ROUTINE/ : /`mysql`\.`proc`/;
}
