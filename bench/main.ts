import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import { needPrograms, repositoryRoot } from './programs.ts';
import { tableOf, type Result } from './result.ts';
import { gate } from './rows/gate.ts';
import { large } from './rows/large.ts';
import { levels } from './rows/levels.ts';
import { memory } from './rows/memory.ts';
import { proof } from './rows/proof.ts';
import { secondDay } from './rows/second-day.ts';
import { stall } from './rows/stall.ts';
import { tenants } from './rows/tenants.ts';
import { wholeBackup } from './rows/whole-backup.ts';
import { sh } from './timed.ts';
import { createWorld, type World } from './world.ts';

/** Measurements by the beginning of their rows' names. Those that change the data come last. */
const MEASUREMENTS: { rows: string; run: (world: World) => Promise<Result[]> }[] = [
  { rows: 'gate', run: gate },
  { rows: 'mariadb', run: (world) => wholeBackup(world, 'mariadb') },
  { rows: 'proof-mariadb', run: (world) => proof(world, 'mariadb') },
  { rows: 'levels', run: levels },
  { rows: 'stall', run: stall },
  { rows: 'rss', run: memory },
  { rows: 'large', run: large },
  { rows: 'second-day-mariadb', run: (world) => secondDay(world, 'mariadb') },
  { rows: 'postgres', run: (world) => wholeBackup(world, 'postgres') },
  { rows: 'proof-postgres', run: (world) => proof(world, 'postgres') },
  { rows: 'tenants', run: tenants },
  { rows: 'second-day-postgres', run: (world) => secondDay(world, 'postgres') },
];

async function main(): Promise<number> {
  let options: BenchOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  const asked = (name: string) =>
    options.only.length === 0 || options.only.some((row) => row.startsWith(name) || name.startsWith(row));
  const chosen = MEASUREMENTS.filter(({ rows }) => asked(rows));
  if (chosen.length === 0) {
    process.stderr.write(`error: there is no row ${options.only.join(', ')}\n\n${USAGE}\n`);
    return 2;
  }
  const world = createWorld(options, needPrograms());
  const stopped = () => void world.close().then(() => process.exit(130));
  process.once('SIGINT', stopped).once('SIGTERM', stopped);
  try {
    const startedAt = new Date();
    const results: Result[] = [];
    for (const { run } of chosen) {
      const rows = await run(world);
      results.push(...rows.filter(({ row }) => asked(row)));
    }
    process.stdout.write(`\n${tableOf(results)}\n`);
    if (options.quick)
      process.stdout.write('\nA quick run: it shows that everything runs; its figures mean nothing.\n');
    else report(results);
    process.stdout.write(`\n${await write(world, startedAt, results)}\n`);
    return 0;
  } finally {
    await world.close();
  }
}

function report(results: Result[]): void {
  const missed = results.filter(({ reached }) => reached === false);
  for (const { row, value, target, better } of missed) {
    process.stdout.write(
      `\nMISSED: ${row} is ${value.toFixed(3)} and was to be at ${better === 'less' ? 'most' : 'least'} ${target}\n`,
    );
  }
}

/** Writes everything that was measured; returns the file's name. */
async function write(world: World, startedAt: Date, results: Result[]): Promise<string> {
  const folder = join(repositoryRoot, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const name = `${startedAt.toISOString().replace(/[-:]|\.\d+/g, '')}.json`;
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMegabytes: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    restic: (await sh('restic version', world.base)).trim(),
    servers: (await world.engines()).map((engine) => `${engine.name} ${engine.version}`),
  };
  const { options } = world;
  const text = JSON.stringify({ startedAt, endedAt: new Date(), options, machine, results }, null, 2);
  writeFileSync(join(folder, name), `${text}\n`);
  return join('bench', 'results', name);
}

process.exitCode = await main();
