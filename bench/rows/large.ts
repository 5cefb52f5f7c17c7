import type { Compression } from '../../agent/core/glossary.ts';
import { agentVariables, HOLDFAST, shellPipeline } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { alternate, median, medianRatio, type Side } from '../rounds.ts';
import { timed, type Timed } from '../timed.ts';
import { inPlace, type World } from '../world.ts';

const COMPRESSIONS: Compression[] = ['gzip', 'zstd', 'none'];
const TARGET_SAME = 1.1;
/** A round takes some five minutes; the times are long enough to be steady. */
const ROUNDS = 1;

/** Whole backups of the large database, against the same compressor in a shell: what is left when the fixed costs weigh little. */
export async function large(world: World): Promise<Result[]> {
  const engine = await world.engine('mariadb');
  const megabytes = world.options.largeMegabytes;
  await engine.multiply(Math.ceil(megabytes / world.options.megabytes));
  world.say(`whole backups of ${engine.name} ${engine.version}, ${megabytes} MB`);
  const sides = COMPRESSIONS.flatMap((compression): Side<Timed>[] => [
    {
      name: `holdfast ${compression}`,
      run: () =>
        inPlace(world, (place) =>
          timed(`'${HOLDFAST}' backup`, agentVariables(place, engine, compression, 'large')),
        ),
    },
    {
      name: `shell ${compression}`,
      run: () =>
        inPlace(world, (place) =>
          timed(shellPipeline(engine, compression, { database: 'large' }), place.restic),
        ),
    },
  ]);
  const runs = await alternate(sides, ROUNDS, world.say);
  const seconds = (side: string) => (runs.get(side) ?? []).map((run) => run.seconds);
  return COMPRESSIONS.map((compression) => {
    const ours = seconds(`holdfast ${compression}`);
    const theirs = seconds(`shell ${compression}`);
    return result({
      row: `large-${compression}-same`,
      measure: `whole backup of ${megabytes} MB with ${compression}, against a shell with the same compressor`,
      ours: median(ours),
      theirs: median(theirs),
      unit: 's',
      ratio: medianRatio(ours, theirs),
      target: TARGET_SAME,
      note: 'one round',
      details: { server: engine.version, oursSeconds: ours, theirsSeconds: theirs },
    });
  });
}
