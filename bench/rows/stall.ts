import { setTimeout as pause } from 'node:timers/promises';
import { startRunning, watch, type Running } from '../agent-process.ts';
import { agentVariables, HOLDFAST, shellPipeline } from '../holdfast.ts';
import { bytesRead, resticBelow } from '../processes.ts';
import { result, type Result } from '../result.ts';
import { sh } from '../timed.ts';
import type { World } from '../world.ts';

const START_SECONDS = 120;
const END_SECONDS = 600;
/** By then the repository is open and the dump is on its way. */
const BYTES_BEFORE = 4_000_000;
const BYTES_BEFORE_QUICK = 100_000;

/**
 * A repository that takes no byte for 90 s, while MariaDB gives up on a reader that pauses for longer than
 * `net_write_timeout`, 60 s unless somebody changed it. restic is stopped (SIGSTOP) in the middle of a backup.
 */
export async function stall(world: World): Promise<Result[]> {
  const engine = await world.engine('mariadb');
  const seconds = world.options.stallSeconds;
  world.say(`a repository that takes nothing for ${seconds} s`);
  const [ourPlace, theirPlace] = [await world.place(), await world.place()];
  const ours = startRunning(HOLDFAST, ['backup'], agentVariables(ourPlace, engine, 'zstd'));
  const theirs = startRunning(
    'bash',
    ['-c', `set -o pipefail; ${shellPipeline(engine, 'zstd')}`],
    theirPlace.restic,
  );
  const sides = [ours, theirs];
  try {
    await Promise.all(sides.map((side) => stopFor(side, world)));
    const codes = await Promise.all(sides.map((side) => withDeadline(side)));
    const [ourCode, theirCode] = codes;
    const left = JSON.parse(await sh('restic snapshots --json --no-lock', theirPlace.restic)) as unknown[];
    return [
      result({
        row: 'stall',
        measure: `backups that fail when the repository takes nothing for ${seconds} s`,
        ours: ourCode === 0 ? 0 : 1,
        theirs: theirCode === 0 ? 0 : 1,
        unit: 'backups',
        ratio: ourCode === 0 ? 0 : 1,
        target: 0,
        note: `the shell's pipe ended with exit code ${theirCode} and left ${left.length} snapshot(s) of a dump that was cut short`,
        details: {
          ourCode,
          theirCode,
          ours: ours.output(),
          theirs: theirs.output(),
          theirSnapshots: left.length,
        },
      }),
    ];
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
    ourPlace.remove();
    theirPlace.remove();
  }
}

async function stopFor(side: Running, world: World): Promise<void> {
  const enough = world.options.quick ? BYTES_BEFORE_QUICK : BYTES_BEFORE;
  let restic: number | null = null;
  const underWay = await watch(side, START_SECONDS, () => {
    restic = resticBelow(side.pid);
    return restic !== null && bytesRead(restic) > enough;
  });
  if (restic === null || !underWay) {
    // In a quick run it may be over before anybody looked.
    if (world.options.quick && !side.isRunning()) return;
    throw new Error(`restic was not seen at work:\n${side.output()}`);
  }
  try {
    process.kill(restic, 'SIGSTOP');
    await pause(world.options.stallSeconds * 1000);
    process.kill(restic, 'SIGCONT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function withDeadline(side: Running): Promise<number | null> {
  await watch(side, END_SECONDS, () => false);
  if (side.isRunning()) throw new Error(`not done ${END_SECONDS} s after the stall:\n${side.output()}`);
  return side.ended;
}
