import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { type Child, startChild } from '../../scripts/loopback/child.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { isListening, waitUntil } from '../../scripts/loopback/wait.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { cpuSeconds, memoryOf } from '../processes.ts';
import { repositoryRoot } from '../programs.ts';
import { result, type Result } from '../result.ts';
import { median, medianRatio } from '../rounds.ts';
import { load, type Load } from '../wrk.ts';
import type { World } from '../world.ts';

const RSS_TARGET_MB = 70;
const FRESH_SECONDS = 60;
const STALE_SECONDS = 100_000;

/**
 * What the gate costs: visitors through nginx with and without it, the sentinel by itself against the least that a Fastify route can
 * be, and its memory after a million requests. The app is the least that an app can be: a Fastify route that says hello.
 */
export async function gate(world: World): Promise<Result[]> {
  const folder = join(world.folder, 'gate');
  const heartbeatPath = join(folder, 'status', 'last_ok');
  mkdirSync(join(folder, 'status'), { recursive: true });
  const beat = (secondsAgo: number) =>
    writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - secondsAgo * 1000)));
  beat(FRESH_SECONDS);
  const children: Child[] = [];
  try {
    const app = await startFastify(world);
    children.push(app);
    const sentinel = await startSentinel(world, folder, heartbeatPath);
    children.push(sentinel);
    const nginx = await startNginx({
      prefix: join(folder, 'nginx'),
      sentinel: `127.0.0.1:${sentinel.port}`,
      app: `127.0.0.1:${app.port}`,
      server: 'location /ungated/ { include holdfast/proxy.conf; }',
    });
    children.push(nginx);

    const open = await throughNginx(world, nginx);
    beat(STALE_SECONDS);
    await waitUntil('the gate to close', async () => (await fetch(nginx.url)).status === 503);
    const closed = await whileClosed(world, nginx);
    beat(FRESH_SECONDS);
    const alone = await sentinelAlone(world, sentinel, children);
    return [...open, closed, alone, await restingMemory(world, sentinel)];
  } finally {
    for (const child of children.reverse()) await child.stop();
  }
}

interface Sentinel extends Child {
  port: number;
}

async function throughNginx(world: World, nginx: RunningNginx): Promise<Result[]> {
  const [gated, ungated] = [`${nginx.url}/`, `${nginx.url}/ungated/`];
  const visit = (url: string, connections: number) =>
    measured(nginx.pid, () => load(world, url, connections, 200));
  const busy = await inTurn(world, 'c=16', [gated, ungated], 16, visit);
  const quiet = await inTurn(world, 'c=2', [gated, ungated], 2, visit);
  const note = 'the same nginx, a location without the gate';
  return [
    row('gate-throughput', 'gated requests through nginx, 16 at a time', busy, (one) => one.perSecond, {
      unit: 'requests/s',
      atLeast: 0.95,
      note,
    }),
    row('gate-p99', 'the slowest 1 % of them, p99', busy, (one) => one.p99Ms, {
      unit: 'ms',
      atMost: 1.25,
      note,
    }),
    row('gate-p50', 'gated requests, 2 at a time, p50', quiet, (one) => one.p50Ms, {
      unit: 'ms',
      atMost: 1.15,
      note,
    }),
  ];
}

async function whileClosed(world: World, nginx: RunningNginx): Promise<Result> {
  const sides = [`${nginx.url}/`, `${nginx.url}/ungated/`] as const;
  const rounds = await inTurn(world, 'closed', [...sides], 16, (url, c) =>
    measured(nginx.pid, () => load(world, url, c, url === sides[0] ? 503 : 200)),
  );
  return row('gate-closed', 'closed answers, 16 at a time, as JSON', rounds, (one) => one.perSecond, {
    unit: 'requests/s',
    atLeast: 0.5,
    note: 'the same nginx, a location without the gate',
  });
}

async function sentinelAlone(world: World, sentinel: Sentinel, children: Child[]): Promise<Result> {
  const fastify = await startFastify(world);
  children.push(fastify);
  const of = new Map([sentinel, fastify].map((child) => [`http://127.0.0.1:${child.port}/gate`, child]));
  const rounds = await inTurn(world, 'alone', [...of.keys()], 16, (url, c) =>
    measured(of.get(url)?.pid ?? 0, () => load(world, url, c, 204)),
  );
  return row(
    'gate-sentinel',
    "the sentinel's /gate by itself, 16 at a time",
    rounds,
    (one) => one.perSecond,
    {
      unit: 'requests/s',
      atLeast: 0.9,
      note: 'a Fastify route that answers 204 and does nothing',
    },
  );
}

interface Measured extends Load {
  /** Processor time for each request, of the process that was asked and those that it has started. */
  cpuMicroseconds: number;
}

/** Where a machine is busy, the processor time is what to believe. */
async function measured(pid: number, run: () => Promise<Load>): Promise<Measured> {
  const before = cpuSeconds(pid);
  const loaded = await run();
  return { ...loaded, cpuMicroseconds: ((cpuSeconds(pid) - before) / loaded.requests) * 1e6 };
}

/** A million requests, in four parts: what is flat by then stays so. */
async function restingMemory(world: World, sentinel: Sentinel): Promise<Result> {
  const wanted = world.options.quick ? 10_000 : 1_000_000;
  const seen: number[] = [megabytes(memoryOf(sentinel.pid, 'VmRSS'))];
  let requests = 0;
  for (const part of [1, 2, 3, 4]) {
    while (requests < (wanted * part) / 4) {
      requests += (await load(world, `http://127.0.0.1:${sentinel.port}/gate`, 16, 204)).requests;
    }
    await pause(world.options.quick ? 0 : 2000);
    seen.push(megabytes(memoryOf(sentinel.pid, 'VmRSS')));
    world.say(`  the sentinel after ${requests} requests: ${seen.at(-1)?.toFixed(1)} MB`);
  }
  return result({
    row: 'gate-rss',
    measure: `memory (RSS) of the sentinel after ${requests} requests`,
    ours: seen.at(-1) ?? 0,
    theirs: null,
    unit: 'MB',
    target: RSS_TARGET_MB,
    note: 'started as its image starts it',
    details: { requests, megabytes: seen, highest: megabytes(memoryOf(sentinel.pid, 'VmHWM')) },
  });
}

interface Rounds {
  ours: Measured[];
  theirs: Measured[];
}

/** Both sides in turn, round by round; each round begins with the other side. */
async function inTurn(
  world: World,
  what: string,
  [ours = '', theirs = '']: string[],
  connections: number,
  run: (url: string, connections: number) => Promise<Measured>,
): Promise<Rounds> {
  const rounds = { ours: [] as Measured[], theirs: [] as Measured[] };
  const times = world.options.quick ? 1 : Math.max(5, world.options.rounds);
  for (let round = 0; round < times; round += 1) {
    const order = round % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const);
    for (const side of order) rounds[side].push(await run(side === 'ours' ? ours : theirs, connections));
    const say = (side: 'ours' | 'theirs') => {
      const last = rounds[side].at(-1);
      return `${last?.perSecond.toFixed(0)}/s p50 ${last?.p50Ms.toFixed(2)} p99 ${last?.p99Ms.toFixed(2)} ms, ${last?.cpuMicroseconds.toFixed(0)} µs of processor`;
    };
    world.say(`  gate ${what} round ${round + 1}: ${say('ours')}; without ${say('theirs')}`);
  }
  return rounds;
}

function row(
  name: string,
  measure: string,
  { ours, theirs }: Rounds,
  of: (one: Measured) => number,
  {
    unit,
    note,
    ...goal
  }: { unit: Result['unit']; note: string } & ({ atLeast: number } | { atMost: number }),
): Result {
  const atLeast = 'atLeast' in goal;
  return result({
    row: name,
    measure,
    ours: median(ours.map(of)),
    theirs: median(theirs.map(of)),
    unit,
    ratio: medianRatio(ours.map(of), theirs.map(of)),
    target: atLeast ? goal.atLeast : goal.atMost,
    better: atLeast ? 'more' : 'less',
    note,
    details: { ours, theirs },
  });
}

/** The flags of Node that the image starts the sentinel with. */
function imageFlags(): string[] {
  const dockerfile = readFileSync(join(repositoryRoot, 'sentinel', 'Dockerfile'), 'utf8');
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  return command.filter((word) => word.startsWith('--'));
}

/** As the image has it: started once before, so that what Node made of the sources is kept. */
async function startSentinel(world: World, folder: string, heartbeatPath: string): Promise<Sentinel> {
  const port = await freePort();
  const environment = {
    ...world.base,
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    SENTINEL_HOST: '127.0.0.1',
    SENTINEL_PORT: String(port),
    SENTINEL_HEARTBEAT_PATH: heartbeatPath,
    SENTINEL_STATE_DIR: join(folder, 'state'),
  };
  const main = join(repositoryRoot, 'sentinel', 'main.ts');
  const start = async () => {
    const child = startChild(process.execPath, [...imageFlags(), main], environment);
    await waitUntil('the sentinel to listen', () => child.output().includes('listening on'));
    return { ...child, port };
  };
  await (await start()).stop();
  return start();
}

async function startFastify(world: World): Promise<Sentinel> {
  const port = await freePort();
  const main = join(repositoryRoot, 'bench', 'fastify-app.ts');
  const environment = { ...world.base, NODE_ENV: 'production' };
  const child = startChild(process.execPath, [main, String(port)], environment);
  await waitUntil('Fastify to listen', () => isListening(port));
  return { ...child, port };
}

/** Of the kilobytes that Linux means by kB: 1024 bytes. */
function megabytes(kilobytes: number | null): number {
  return (kilobytes ?? 0) / 1024;
}
