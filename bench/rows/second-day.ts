import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Compression } from '../../agent/core/glossary.ts';
import { agentVariables, HOLDFAST, shellPipeline } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { writeShop } from '../shop-data.ts';
import type { EngineName } from '../servers.ts';
import { sh } from '../timed.ts';
import type { World } from '../world.ts';

const TARGET = 0.02;
/** The rows that come in a day: a thousandth of the table. */
const APPENDED = 0.001;
const MEGABYTE = 1_000_000;
const COMPRESSIONS: Compression[] = ['gzip', 'zstd', 'none'];

/** What tables get rows on a day; the first day fills them all. */
const DAYS = [
  {
    day: 2,
    suffix: '-one-table',
    tables: ['orders'],
    note: `one table has got ${APPENDED * 100} % more rows`,
  },
  {
    day: 3,
    suffix: '',
    tables: null,
    note: `each of three tables has got ${APPENDED * 100} % more rows`,
  },
] as const;

/** What the next day's backup adds to the repository when tables have got new rows at their ends. */
export async function secondDay(world: World, name: EngineName): Promise<Result[]> {
  const engine = await world.engine(name);
  world.say(`bytes added on the second day, ${name}`);
  const theirs = await world.place();
  const theirDay = async () => addedBytes(await sh(shellPipeline(engine, 'plain gzip'), theirs.restic));
  const ours = await Promise.all(
    COMPRESSIONS.map(async (compression) => ({ compression, place: await world.place() })),
  );
  const ourDay = async ({ compression, place }: (typeof ours)[number]) => {
    const env = agentVariables(place, engine, compression);
    await sh(`'${HOLDFAST}' backup`, env);
    const history = JSON.parse(await sh(`'${HOLDFAST}' history --json`, env)) as HistoryEntry[];
    const newest = history.filter(({ job }) => job === 'backup').sort((one, other) => other.id - one.id)[0];
    return newest?.facts?.addedBytes ?? NaN;
  };

  const first = { theirs: await theirDay(), ours: [] as number[] };
  for (const one of ours) first.ours.push(await ourDay(one));
  const rows: Result[] = [];
  for (const { day, suffix, tables, note } of DAYS) {
    await appendRows(world, name, day, tables);
    const theirBytes = await theirDay();
    for (const [index, one] of ours.entries()) {
      const bytes = await ourDay(one);
      rows.push(
        result({
          row: `second-day-${name}-${one.compression}${suffix}`,
          measure: `bytes added by a day's rows with ${one.compression}, against plain gzip`,
          ours: bytes / MEGABYTE,
          theirs: theirBytes / MEGABYTE,
          unit: 'MB',
          target: TARGET,
          note,
          details: {
            ours: bytes,
            theirs: theirBytes,
            firstDayOurs: first.ours[index],
            firstDayTheirs: first.theirs,
          },
        }),
      );
    }
  }
  for (const { place } of [...ours, { place: theirs }]) place.remove();
  return rows;
}

interface HistoryEntry {
  id: number;
  job: string;
  facts?: { addedBytes?: number };
}

async function appendRows(
  world: World,
  name: EngineName,
  day: 2 | 3,
  only: readonly string[] | null,
): Promise<void> {
  const folder = mkdtempSync(join(world.folder, 'data-'));
  chmodSync(folder, 0o755);
  const engine = await world.engine(name);
  const tables = writeShop(folder, world.options.megabytes * MEGABYTE * APPENDED, day);
  await engine.append(tables.filter((table) => only === null || only.includes(table.name)));
  rmSync(folder, { recursive: true });
}

/** Of restic's last line. */
function addedBytes(output: string): number {
  const summary = JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as { data_added_packed?: number };
  return summary.data_added_packed ?? NaN;
}
