import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Repository } from '../../agent/repository/repository.ts';
import { testAgent, type Ended, type TestAgent } from '../helpers/agent.ts';
import type { TestEngine } from '../helpers/engines.ts';
import { expectNextGood } from '../helpers/faults.ts';
import type { TestServer } from '../helpers/server.ts';
import type { Shop } from '../helpers/shop.ts';
import { startTap, type Tap } from '../helpers/tap.ts';
import { until } from '../helpers/until.ts';
import { whenOver } from '../helpers/when-over.ts';
import { heard, type HeardAgent } from './heard.ts';
import { createOracle, goodBackup, type GoodBackup, type Oracle } from './oracle.ts';
import { repositoryOf } from './planting.ts';
import { randomOf } from './seed.ts';

export interface StageOptions {
  /** Of the table `orders`; 2,000 when left out. */
  rows?: number;
  /** Over the agent's own. */
  environment?: Record<string, string>;
  /** restic's own slow key: for kills, most of which meet restic while it derives it. */
  slowKey?: boolean;
  /** The agent may restore over its database: by emptying and loading it, or by a swap. */
  mayRestore?: 'in place' | 'by swap';
  /** A server of its own, which the fault ends. */
  ownServer?: boolean;
  /** What the tap takes for the question whose answer it holds back; that for the rows of `orders` when left out. */
  tapOn?: RegExp;
}

/** A shop on a server, an agent that has a good backup of it, and a tap between the two. Rows of the table can share it. */
export interface Setting {
  engine: TestEngine;
  server: TestServer;
  shop: Shop;
  rows: number;
  agent: TestAgent;
  tap: Tap;
  /** Bytes of the rows on the wire, in the good backup. */
  rowBytes: number;
  /** The agent's, opened in this process as on a new server. */
  repository: Repository;
  good: GoodBackup;
}

/** What a fault is injected into: a setting, and what judges it. */
export interface Stage extends Setting {
  agent: HeardAgent;
  oracle: Oracle;
  /** From 0 to 1, out of the seed. */
  random: () => number;
  /** A place within the rows that a dump is given, in bytes. */
  somewhere: () => number;
  /** A place near the end of the rows. */
  nearlyAll: number;
  /** A command to which something happens while the tap has passed so many bytes of the rows, and no more. */
  metAt(
    place: { tap?: Tap; bytes: number; args: string[]; environment?: Record<string, string> },
    happens: (agentPid: number) => Promise<unknown>,
  ): Promise<Ended>;
  /** The same for a backup, whose dump has so many bytes. */
  backupMetAt(bytes: number, happens: (agentPid: number) => Promise<unknown>): Promise<Ended>;
  /** Runs a command and kills the agent after this time, if it did not end before; its restic is gone too at the end. */
  killedAfter(milliseconds: number, args: string[]): Promise<Ended>;
  /** So many moments of a time, one in each part of it, from its first to its last. */
  moments(count: number, milliseconds: number): number[];
}

export async function makeSetting(
  engine: TestEngine,
  shared: TestServer,
  options: StageOptions = {},
): Promise<Setting> {
  const server = options.ownServer === true ? await engine.start() : shared;
  if (server !== shared) whenOver(() => server.stop());
  const tap = await startTap(server, options.tapOn ?? engine.asksForOrders);
  const rows = options.rows ?? 2_000;
  const shop = await engine.createShop(server, rows, tap.port);
  if (engine.morePrograms !== null) await server.sql(engine.morePrograms, shop.database);
  if (options.mayRestore !== undefined) await engine.allowRestore(server, shop, options.mayRestore);
  const environment = { ...shop.environment, BACKUP_GUARD: 'off', ...options.environment };
  const agent = await testAgent(environment, options.slowKey === true ? 'slow' : 'quick');
  await expectNextGood(agent);
  const rowBytes = rowBytesOf(tap, rows);
  const repository = repositoryOf(agent);
  const good = await goodBackup(repository, shop.database);
  return { engine, server, shop, rows, agent, tap, rowBytes, repository, good };
}

/** A row of `orders` takes at least as many. */
const LEAST_ROW_BYTES = 160;

function rowBytesOf(tap: Tap, rows: number): number {
  const passed = tap.passed();
  if (passed < rows * LEAST_ROW_BYTES) throw new Error(`the tap saw ${passed} bytes of ${rows} rows`);
  return passed;
}

/** Of the rows: behind the last of them there would be nothing that the tap could hold back. */
const MOST = 0.99;

/** The stage of one row in a setting. */
export function setStage(setting: Setting, row: string): Stage {
  const { engine, server, shop } = setting;
  const agent = heard(setting.agent);
  const random = randomOf(`${row} ${engine.name}`);
  const contents = async () => ({
    rows: await engine.contents(server, shop.database),
    definitions: await engine.definitions(server, shop.database),
  });
  const metAt: Stage['metAt'] = async ({ tap = setting.tap, bytes, args, environment }, happens) => {
    tap.holdAt(bytes);
    const { child, ended } = agent.start(args, environment);
    await until('the rows are met', async () => tap.isHolding());
    await happens(child.pid ?? 0);
    tap.letGo();
    return ended;
  };
  return {
    ...setting,
    agent,
    oracle: createOracle(agent, { ...setting, source: shop.database }, contents),
    random,
    somewhere: () => Math.ceil(random() * setting.rowBytes * MOST),
    nearlyAll: Math.floor(setting.rowBytes * MOST),
    metAt,
    backupMetAt: (bytes, happens) => metAt({ bytes, args: ['backup'] }, happens),
    killedAfter: async (milliseconds, args) => {
      const { child, ended } = agent.start(args);
      // Not a wait for something: the moment of the fault.
      await Promise.race([delay(milliseconds), ended]);
      child.kill('SIGKILL');
      await ended;
      await until('restic died with the agent', async () => !runsOn(agent.environment['RESTIC_REPOSITORY']!));
      return ended;
    },
    moments: (count, milliseconds) =>
      Array.from({ length: count }, (_, part) => (milliseconds * (part + random())) / count),
  };
}

/** Whether any process has the repository in its environment: restic is told of it in no other way. */
function runsOn(repository: string): boolean {
  try {
    execFileSync('bash', ['-c', `grep -lzs "^RESTIC_REPOSITORY=${repository}$" /proc/[0-9]*/environ`]);
    return true;
  } catch {
    return false;
  }
}
