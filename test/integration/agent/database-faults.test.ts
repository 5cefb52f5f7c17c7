import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { expectNextGood, expectRefusal } from '../../helpers/faults.ts';
import type { TestServer } from '../../helpers/server.ts';

describe.each([mariadb, postgres])('$name', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  /** An agent that has one good backup behind it. */
  async function agentWithBackup() {
    const shop = await engine.createShop(server, 1_000);
    const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off' });
    await expectNextGood(agent);
    return { shop, agent };
  }

  test('wrong password → says who was refused', async () => {
    const { shop, agent } = await agentWithBackup();
    const wrong = engine.otherwise(shop, { password: 'wrong-password' });
    await expectRefusal(
      agent,
      () => agent.run(['backup'], wrong),
      new RegExp(`refuses ${shop.user}[\\s\\S]*Check user and password`),
    );
    await expectNextGood(agent);
  });

  test('not there → unreachable, with its address', async () => {
    const { shop, agent } = await agentWithBackup();
    const nowhere = engine.otherwise(shop, { port: 1 });
    await expectRefusal(agent, () => agent.run(['backup'], nowhere), /cannot reach .* at 127\.0\.0\.1:1:/);
    await expectNextGood(agent);
  });

  test('a right is taken away between two runs → refused with the GRANT that mends it; given back → good', async () => {
    const { shop, agent } = await agentWithBackup();
    await server.sql(engine.right.take(shop));
    await expectRefusal(agent, () => agent.run(['backup']), engine.right.refusal);
    await server.sql(engine.right.give(shop));
    await expectNextGood(agent);
  });

  test('emptied → refused; allowed by name → done with warnings; filled → good', async () => {
    const { shop, agent } = await agentWithBackup();
    await server.sql(engine.emptied, shop.database);
    await expectRefusal(agent, () => agent.run(['backup']), /no tables?/i);
    const allowed = await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'empty' });
    expect(allowed.stderr).toMatch(/warning: .*incomplete, as allowed: .*no tables/);
    expect(allowed.code).toBe(3);
    await server.sql('CREATE TABLE orders (id int)', shop.database);
    await expectNextGood(agent);
  });

  test.runIf(engine === mariadb)(
    'the TRIGGER right is missing and that is allowed by name → done with warnings',
    async () => {
      const { shop, agent } = await agentWithBackup();
      await server.sql(engine.right.take(shop));
      const { code, stderr } = await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'triggers' });
      expect(stderr).toMatch(/warning: .*triggers/);
      expect(code).toBe(3);
    },
  );
});
