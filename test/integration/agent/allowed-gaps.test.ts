import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import type { TestServer } from '../../helpers/server.ts';

describe.each([mariadb, postgres])('$name', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  test('a database that is empty, and allowed to be → done with warnings', async () => {
    const shop = await engine.createShop(server, 10);
    const agent = await testAgent(shop.environment);
    await server.sql(engine.emptied, shop.database);
    const allowed = await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'empty' });
    expect(allowed.stderr).toMatch(/warning: .*incomplete, as allowed: .*no tables/);
    expect(allowed.code).toBe(3);
  });

  test.runIf(engine === mariadb)(
    'the TRIGGER right is missing and that is allowed by name → done with warnings',
    async () => {
      const shop = await engine.createShop(server, 10);
      const agent = await testAgent(shop.environment);
      await server.sql(engine.right.take(shop));
      const { code, stderr } = await agent.run(['backup'], { BACKUP_ALLOW_INCOMPLETE: 'triggers' });
      expect(stderr).toMatch(/warning: .*triggers/);
      expect(code).toBe(3);
    },
  );
});
