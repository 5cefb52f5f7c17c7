import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { theOne } from '../../helpers/documented.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import type { TestServer } from '../../helpers/server.ts';

/** Statements as they are printed, but for the name of the database. */
function statements(sql: string, database = 'shop'): string[] {
  return sql
    .replace(/^--.*$/gm, '')
    .replaceAll('`shop`', `\`${database}\``)
    .replaceAll('DATABASE shop', `DATABASE ${database}`)
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

describe.each([
  { engine: mariadb, printed: mariadbGrants, scheme: 'mysql' },
  { engine: postgres, printed: () => theOne('grants-postgres', 'sql'), scheme: 'postgresql' },
])('the rights that docs/security.md prints for $engine.name', ({ engine, printed, scheme }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  test('are enough for the doctor, a proven backup and its verification', async () => {
    const { database } = await engine.createShop(server, 1000);
    for (const statement of statements(await printed(server), database)) await server.sql(statement);
    const url = `${scheme}://holdfast:secret@127.0.0.1:${server.port}/${database}`;
    const agent = await testAgent({ DATABASE_URL: url });

    const backup = await agent.run(['backup']);
    expect(backup.code, backup.stderr).toBe(0);
    const verify = await agent.run(['verify']);
    expect(verify.stderr).toMatch(/equal to the source; proved/);
    expect(verify.code, verify.stderr).toBe(0);
    const doctor = await agent.run(['doctor']);
    expect(doctor.code, doctor.stdout).toBe(0);
    if (engine !== mariadb) return;

    // docs/troubleshooting.md: an account without a name wins over one without a host.
    await server.sql("CREATE USER ''@'localhost'");
    const refused = await agent.run(['backup']);
    expect(refused.stderr).toMatch(/refuses holdfast from localhost: Access denied/);
    for (const statement of statements(theOne('denied-user', 'sql'))) await server.sql(statement);
    const letIn = await agent.run(['backup']);
    expect(letIn.code, letIn.stderr).toBe(0);
  });
});

async function mariadbGrants(server: TestServer): Promise<string> {
  const [row] = await server.sql('SELECT VERSION() AS version');
  const [major = 0, minor = 0] = String(row?.['version']).split('.').map(Number);
  const isLate = major > 11 || (major === 11 && minor >= 3);
  return isLate ? theOne('grants-mariadb-11', 'sql') : theOne('grants-mariadb-10', 'sql');
}
