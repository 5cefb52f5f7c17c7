import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testAgent, type Ended, type TestAgent } from '../../helpers/agent.ts';
import { mariadb, postgres } from '../../helpers/engines.ts';
import { expectNextGood, expectRefusal } from '../../helpers/faults.ts';
import { childrenNamed, type TestServer } from '../../helpers/server.ts';
import type { Shop } from '../../helpers/shop.ts';
import { startTap, type Tap } from '../../helpers/tap.ts';
import { until } from '../../helpers/until.ts';

/** Some megabytes: more than one burst of any program in between. */
const ROWS = 30_000;
/** Whatever the client says of it, and MariaDB's says nothing where it finds it out between two tables. */
const connectionEnded = /dump of shop\d+ failed[^\n]*\n.*The server or somebody on it ended the connection/;

describe.each([mariadb, postgres])('a real dump of $name', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server.stop());

  /** An agent that has one good backup behind it, whose rows came through a tap. */
  async function tappedAgent(
    on = server,
  ): Promise<{ agent: TestAgent; shop: Shop; tap: Tap; bytes: number }> {
    const tap = await startTap(on, engine.asksForOrders);
    const shop = await engine.createShop(on, ROWS, tap.port);
    const agent = await testAgent({ ...shop.environment, BACKUP_GUARD: 'off' });
    await expectNextGood(agent);
    const bytes = tap.passed();
    expect(bytes).toBeGreaterThan(ROWS * 160);
    return { agent, shop, tap, bytes };
  }

  /** A backup during whose dump something happens: when it has so many bytes of the rows, and no more. */
  async function backupMetAt(
    { agent, tap }: { agent: TestAgent; tap: Tap },
    bytes: number,
    happens: (agentPid: number) => Promise<unknown>,
  ): Promise<Ended> {
    tap.holdAt(bytes);
    const { child, ended } = agent.start(['backup']);
    await until('the dump is met', async () => tap.isHolding());
    await happens(child.pid ?? 0);
    tap.letGo();
    return ended;
  }

  test.each([{ percent: 1 }, { percent: 50 }, { percent: 99 }])(
    'its client is killed at $percent % of the bytes → failed and says so, and the next run is good',
    async ({ percent }) => {
      const { agent, tap, bytes } = await tappedAgent();
      const attempt = () =>
        backupMetAt({ agent, tap }, Math.round((bytes * percent) / 100), async (agentPid) => {
          const [client, ...others] = childrenNamed(engine.dumpProgram, agentPid);
          expect(others).toEqual([]);
          process.kill(client!, 'SIGKILL');
        });
      await expectRefusal(agent, attempt, /dump of shop\d+ failed \(.*SIGKILL/);
      await expectNextGood(agent);
    },
  );

  test('its session is ended by an administrator in the middle → failed and says so, and the next run is good', async () => {
    const { agent, shop, tap, bytes } = await tappedAgent();
    const attempt = () =>
      backupMetAt({ agent, tap }, bytes / 2, () => engine.endSessions(server, shop.database));
    await expectRefusal(agent, attempt, connectionEnded);
    await expectNextGood(agent);
  });

  test('its server goes down at once in the middle → failed and says so; not there → unreachable; back again → good', async () => {
    const own = await engine.start();
    onTestFinished(() => own.stop());
    const { agent, tap, bytes } = await tappedAgent(own);
    const attempt = () => backupMetAt({ agent, tap }, bytes / 2, () => own.crash(engine.crashSignal));
    await expectRefusal(agent, attempt, connectionEnded);
    await expectRefusal(agent, () => agent.run(['backup']), /cannot reach the database of source shop\d+/);
    await own.revive();
    await expectNextGood(agent);
  });

  test('a table is dropped in the middle → MariaDB: failed and names it, and the next run is good; PostgreSQL: the drop waits for the dump', async () => {
    const { agent, shop, tap, bytes } = await tappedAgent();
    await server.sql('CREATE TABLE zz (id int); INSERT INTO zz VALUES (1)', shop.database);
    const drop = () => server.sql('DROP TABLE zz', shop.database);
    if (engine === mariadb) {
      const attempt = () => backupMetAt({ agent, tap }, bytes / 2, drop);
      await expectRefusal(agent, attempt, /zz[\s\S]*dropped or renamed while the dump ran/);
    } else {
      let dropped: Promise<unknown> = Promise.resolve();
      const { code, stderr } = await backupMetAt({ agent, tap }, bytes / 2, async () => {
        dropped = drop();
        await until('the drop waits', async () => {
          const waiting = `SELECT 1 FROM pg_stat_activity WHERE query = 'DROP TABLE zz' AND wait_event_type = 'Lock'`;
          return (await server.sql(waiting)).length > 0;
        });
      });
      expect(stderr).not.toMatch(/error|warning/);
      expect(code).toBe(0);
      await dropped;
    }
    await expectNextGood(agent);
  });
});
