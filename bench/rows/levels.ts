import { SHELL_STAGES, shellPipeline } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { alternate, median } from '../rounds.ts';
import { timed, type Timed } from '../timed.ts';
import { inPlace, type World } from '../world.ts';

const MEGABYTE = 1_000_000;
const LEVELS = {
  gzip: [1, 2, 3, 4, 5, 6].map((level) => ({ level, compress: `pigz -c -n -m -R -${level} -b 32` })),
  zstd: [1, 2, 3, 4, 5].map((level) => ({
    level,
    compress: `zstd -q -c -${level} --zstd=wlog=18 --rsyncable -T0`,
  })),
};

interface Stored extends Timed {
  bytes: number;
}

/**
 * Which level of a compressor is worth its time: whole backups in a shell, for the time that a person waits is that of the
 * whole. The best bargain is the level with the smallest product of time and size: from there on a per cent less of the one
 * costs more than a per cent of the other.
 */
export async function levels(world: World): Promise<Result[]> {
  const engine = await world.engine('mariadb');
  world.say('levels of the compressors');
  const stages = (['gzip', 'zstd'] as const).flatMap((name) =>
    LEVELS[name].map(({ level, compress }) => ({ name, level, compress, side: `${name} -${level}` })),
  );
  const runs = await alternate(
    stages.map(({ name, compress, side }) => ({
      name: side,
      run: () =>
        inPlace(world, async (place): Promise<Stored> => {
          const run = await timed(shellPipeline(engine, name, { compress }), place.restic);
          const summary = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}') as Summary;
          return { ...run, bytes: summary.total_bytes_processed ?? NaN };
        }),
    })),
    world.options.rounds,
    world.say,
  );
  const measured = stages.map(({ name, level, side }) => {
    const rounds = runs.get(side) ?? [];
    const seconds = median(rounds.map((run) => run.seconds));
    const cpuSeconds = median(rounds.map((run) => run.cpuSeconds));
    const bytes = rounds[0]?.bytes ?? NaN;
    return { name, level, seconds, cpuSeconds, bytes, product: seconds * bytes };
  });
  const best = (name: string) =>
    Math.min(...measured.filter((one) => one.name === name).map(({ product }) => product));
  return measured.map((one) =>
    result({
      row: `levels-${one.name}-${one.level}`,
      measure:
        `whole backup in a shell with ${one.name} -${one.level}: ${(one.bytes / MEGABYTE).toFixed(1)} MB stored` +
        (one.product === best(one.name) ? ', the best bargain' : ''),
      ours: one.seconds,
      theirs: null,
      unit: 's',
      target: null,
      note: `${SHELL_STAGES[one.name].command} is what the agent uses`,
      details: { ...one },
    }),
  );
}

interface Summary {
  total_bytes_processed?: number;
}
