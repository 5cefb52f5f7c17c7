import type { Compression } from '../../agent/core/glossary.ts';
import { agentVariables, HOLDFAST, shellPipeline } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { alternate, median, medianRatio, type Side } from '../rounds.ts';
import type { EngineName } from '../servers.ts';
import { timed, type Timed } from '../timed.ts';
import { inPlace, type World } from '../world.ts';

const INCLUDES =
  'ours is `holdfast backup` from the command line to its exit: start of the program, rights and inventory of the database, the repository asked first, dump, retention, ledger, heartbeat';
const COMPRESSIONS: Compression[] = ['gzip', 'zstd', 'none'];
const TARGETS = { gzip: 0.55, zstd: 0.45, none: null };
const TARGET_SAME = 1.1;
const PLAIN = 'shell gzip';

/** Whole backups into an empty repository: against what most people type, and against the same compressor in a shell. */
export async function wholeBackup(world: World, name: EngineName): Promise<Result[]> {
  const engine = await world.engine(name);
  const megabytes = world.options.megabytes;
  const shell = (side: string, stage: Parameters<typeof shellPipeline>[1]): Side<Timed> => ({
    name: side,
    run: () => inPlace(world, (place) => timed(shellPipeline(engine, stage), place.restic)),
  });
  const sides: Side<Timed>[] = [
    shell(PLAIN, 'plain gzip'),
    ...COMPRESSIONS.flatMap((compression) => [
      {
        name: `holdfast ${compression}`,
        run: () =>
          inPlace(world, (place) =>
            timed(`'${HOLDFAST}' backup`, agentVariables(place, engine, compression)),
          ),
      },
      shell(`shell with the same ${compression}`, compression),
    ]),
  ];
  world.say(`whole backups of ${name} ${engine.version}, ${megabytes} MB`);
  // Once for nothing: the database's pages and our program come from memory afterwards, for every side.
  await sides[1]?.run();
  const runs = await alternate(sides, world.options.rounds, world.say);
  const seconds = (side: string) => (runs.get(side) ?? []).map((run) => run.seconds);
  const cpu = (side: string) => (runs.get(side) ?? []).map((run) => run.cpuSeconds);

  return COMPRESSIONS.flatMap((compression) => {
    const ours = `holdfast ${compression}`;
    const same = `shell with the same ${compression}`;
    const against = (side: string) => ({
      ours: median(seconds(ours)),
      theirs: median(seconds(side)),
      unit: 's' as const,
      ratio: medianRatio(seconds(ours), seconds(side)),
      details: {
        server: engine.version,
        oursSeconds: seconds(ours),
        theirsSeconds: seconds(side),
        oursCpuSeconds: cpu(ours),
        theirsCpuSeconds: cpu(side),
        cpuRatio: medianRatio(cpu(ours), cpu(side)),
      },
    });
    return [
      result({
        row: `${name}-${compression}`,
        measure: `whole backup with ${compression}, against dump, gzip and restic in a shell`,
        ...against(PLAIN),
        target: TARGETS[compression],
        note: INCLUDES,
      }),
      result({
        row: `${name}-${compression}-same`,
        measure: `the same, against a shell with the same compressor`,
        ...against(same),
        target: TARGET_SAME,
        note: INCLUDES,
      }),
    ];
  });
}
