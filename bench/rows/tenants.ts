import { startRunning, watch } from '../agent-process.ts';
import { agentVariables, HOLDFAST } from '../holdfast.ts';
import { memoryOf } from '../processes.ts';
import { result, type Result } from '../result.ts';
import { alternate, median, type Side } from '../rounds.ts';
import type { Engine } from '../servers.ts';
import { timed } from '../timed.ts';
import { inPlace, type Place, type World } from '../world.ts';

const TARGET_EACH_MS = 25;
const TARGET_RESTORE_SECONDS = 5;
/** What any number of tenants may take more than the tenth part of them. */
const TARGET_GROWTH = 1.25;
const BACKUP_SECONDS = 3600;
const TABLES = 10;
const ROWS = 20;

interface Run {
  seconds: number;
  megabytes: number;
}

/** What many small tenants cost: a run of all of them over a plain dump of the database, one put back, and the agent's memory. */
export async function tenants(world: World): Promise<Result[]> {
  const engine = await world.engine('postgres');
  const [few, many] = world.options.quick ? [3, 30] : [100, 1000];
  for (const count of [few, many]) {
    world.say(`making a database with ${count} tenants of ${TABLES} tables …`);
    await createTenants(engine, count);
  }
  const runs = await alternate<Run>(
    [
      { name: 'dump', run: async () => ({ ...(await plainDump(world, engine, many)), megabytes: 0 }) },
      ...[few, many].map((count) => allOf(world, engine, count)),
    ],
    world.options.rounds,
    world.say,
  );
  const of = (name: string) => runs.get(name) ?? [];
  const seconds = (name: string) => of(name).map((run) => run.seconds);
  const highest = (count: number) => Math.max(...of(String(count)).map(({ megabytes }) => megabytes));
  const restores = await inPlace(world, (place) => restored(world, engine, place, many));
  const details = { tenants: many, tables: TABLES, rows: ROWS, ...Object.fromEntries(runs), restores };
  return [
    result({
      row: 'tenants-each',
      measure: `a run of ${many} tenants with their proofs over a plain dump of the database, for each`,
      ours: ((median(seconds(String(many))) - median(seconds('dump'))) * 1000) / many,
      theirs: null,
      unit: 'ms',
      target: TARGET_EACH_MS,
      note: `backup --tenants without pg_dump of everything into /dev/null, each a median; ${TABLES} tables of ${ROWS} rows each`,
      details,
    }),
    result({
      row: 'tenants-restore',
      measure: `one of ${many} tenants put back`,
      ours: median(restores),
      theirs: null,
      unit: 's',
      target: TARGET_RESTORE_SECONDS,
      note: 'out of the snapshot of all, with a restore point and compared with the proof; from the command to its end',
      details,
    }),
    result({
      row: 'tenants-rss',
      measure: `highest memory (RSS) of the agent at ${many} tenants, against ${few}`,
      ours: highest(many),
      theirs: highest(few),
      unit: 'MB',
      target: TARGET_GROWTH,
      note: "of the agent's own process during backup --tenants",
      details,
    }),
  ];
}

function nameOf(count: number): string {
  return `tenants_${count}`;
}

async function createTenants(engine: Engine, count: number): Promise<void> {
  const database = nameOf(count);
  await engine.run(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`, 'shop');
  await engine.run(
    `CREATE TYPE public.mood AS ENUM ('well', 'ill'); CREATE TABLE public.countries (code text PRIMARY KEY); INSERT INTO public.countries VALUES ('it')`,
    database,
  );
  const batch = 50;
  // Many small transactions: the locks of one that makes thousands of tables would not fit.
  for (let from = 1; from <= count; from += batch)
    await engine.run(someTenants(from, Math.min(from + batch - 1, count)), database);
  await engine.run('VACUUM ANALYZE', database);
}

function someTenants(from: number, to: number): string {
  return `DO $do$ DECLARE name text; BEGIN
    FOR i IN ${from}..${to} LOOP
      EXECUTE format('CREATE SCHEMA tenant_%s', i);
      FOR k IN 1..${TABLES} LOOP
        name := format('tenant_%s.t%s', i, k);
        EXECUTE 'CREATE TABLE ' || name || ' (id serial PRIMARY KEY, name text NOT NULL, mood public.mood, country text REFERENCES public.countries, at timestamptz DEFAULT now())';
        EXECUTE format('INSERT INTO %s (name, mood, country) SELECT n || '' of %s'', ''well'', ''it'' FROM generate_series(1, ${ROWS}) n', name, i);
      END LOOP;
    END LOOP; END $do$`;
}

function plainDump(world: World, engine: Engine, count: number) {
  return timed(`${engine.dumpLine(nameOf(count))} >/dev/null`, world.base);
}

function allOf(world: World, engine: Engine, count: number): Side<Run> {
  return {
    name: String(count),
    run: () =>
      inPlace(world, async (place) => {
        const startedAt = performance.now();
        const backup = startRunning(HOLDFAST, ['backup', '--tenants'], variables(place, engine, count));
        let megabytes = 0;
        try {
          // The high-water mark never falls: the last look before the end has it.
          await watch(backup, BACKUP_SECONDS, () => {
            megabytes = Math.max(megabytes, (memoryOf(backup.pid, 'VmHWM') ?? 0) / 1024);
            return false;
          });
          if ((await backup.ended) !== 0) throw new Error(`the backup failed:\n${backup.output()}`);
          return { seconds: (performance.now() - startedAt) / 1000, megabytes };
        } finally {
          await backup.stop();
        }
      }),
  };
}

async function restored(world: World, engine: Engine, place: Place, count: number): Promise<number[]> {
  const env = variables(place, engine, count);
  await timed(`'${HOLDFAST}' backup --tenants`, env);
  const seconds: number[] = [];
  for (let round = 0; round < world.options.rounds; round += 1) {
    const line = `'${HOLDFAST}' restore ${nameOf(count)} --tenant ${round + 2} --yes`;
    seconds.push((await timed(line, env)).seconds);
  }
  return seconds;
}

function variables(place: Place, engine: Engine, count: number) {
  return {
    ...agentVariables(place, engine, 'gzip', nameOf(count)),
    ...{ BACKUP_PROOF: 'checksums', BACKUP_RETENTION: 'off', BACKUP_CHECK_INTERVAL: '0' },
    TENANT_SCHEMAS: 'tenant_*',
  };
}
