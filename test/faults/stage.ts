import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { testAgent, type Ended, type TestAgent } from '../helpers/agent.ts';
import type { TestEngine } from '../helpers/engines.ts';
import { expectNextGood } from '../helpers/faults.ts';
import type { TestServer } from '../helpers/server.ts';
import type { Shop } from '../helpers/shop.ts';
import { startTap, type Tap } from '../helpers/tap.ts';
import { until } from '../helpers/until.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { randomOf } from './seed.ts';

export interface StageOptions {
  /** Of the table `orders`; 500 when left out. */
  rows?: number;
  /** Over the agent's own. */
  environment?: Record<string, string>;
  /** restic's own slow key: for kills, most of which meet restic while it derives it. */
  slowKey?: boolean;
  /** The agent may restore over its database. */
  mayRestore?: boolean;
  /** A server of its own, which the fault ends. */
  ownServer?: boolean;
  /** What the tap takes for the question whose answer it holds back; that for the rows of `orders` when left out. */
  tapOn?: RegExp;
}

/** What a fault is injected into: a shop on a server, an agent that has one good backup of it, and a tap between the two. */
export interface Stage {
  engine: TestEngine;
  server: TestServer;
  shop: Shop;
  agent: TestAgent;
  tap: Tap;
  oracle: Oracle;
  /** From 0 to 1, out of the seed. */
  random: () => number;
  /** A place within the rows that a dump is given, in bytes. */
  somewhere: () => number;
  /** A place near the end of the rows. */
  nearlyAll: number;
  /** A backup to which something happens while its dump has so many bytes of the rows, and no more. */
  backupMetAt(bytes: number, happens: (agentPid: number) => Promise<unknown>): Promise<Ended>;
  /** Runs a command and kills the agent after this time, if it did not end before. */
  killedAfter(milliseconds: number, args: string[]): Promise<Ended>;
  /** So many moments of a time, one in each part of it, from its first to its last. */
  moments(count: number, milliseconds: number): number[];
}

/** A row of `orders` takes at least as many in a dump. */
const ROW_BYTES = 160;

export async function setStage(
  engine: TestEngine,
  shared: TestServer,
  row: string,
  options: StageOptions = {},
): Promise<Stage> {
  const server = options.ownServer === true ? await engine.start() : shared;
  if (server !== shared) onTestFinished(() => server.stop());
  const tap = await startTap(server, options.tapOn ?? engine.asksForOrders);
  const rows = options.rows ?? 500;
  const shop = await engine.createShop(server, rows, tap.port);
  if (options.mayRestore === true) await engine.allowRestore(server, shop);
  const environment = { ...shop.environment, BACKUP_GUARD: 'off', ...options.environment };
  const agent = await testAgent(environment, options.slowKey === true ? 'slow' : 'quick');
  await expectNextGood(agent);
  const oracle = await createOracle(agent, shop.database, () => engine.contents(server, shop.database));
  const random = randomOf(`${row} ${engine.name}`);
  return {
    engine,
    server,
    shop,
    agent,
    tap,
    oracle,
    random,
    somewhere: () => Math.ceil(random() * rows * ROW_BYTES),
    nearlyAll: rows * ROW_BYTES,
    backupMetAt: async (at, happens) => {
      tap.holdAt(at);
      const { child, ended } = agent.start(['backup']);
      await until('the dump is met', async () => tap.isHolding());
      await happens(child.pid ?? 0);
      tap.letGo();
      return ended;
    },
    killedAfter: async (milliseconds, args) => {
      const { child, ended } = agent.start(args);
      // Not a wait for something: the moment of the fault.
      await Promise.race([delay(milliseconds), ended]);
      child.kill('SIGKILL');
      return ended;
    },
    moments: (count, milliseconds) =>
      Array.from({ length: count }, (_, part) => (milliseconds * (part + random())) / count),
  };
}
