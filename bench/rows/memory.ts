import { setTimeout as pause } from 'node:timers/promises';
import { startRunning, watch } from '../agent-process.ts';
import type { Compression } from '../../agent/core/glossary.ts';
import { agentVariables, HOLDFAST } from '../holdfast.ts';
import { memoryOf } from '../processes.ts';
import { result, type Result } from '../result.ts';
import type { World } from '../world.ts';

const IDLE_TARGET_MB = 90;
const PEAK_TARGET_MB = 150;
const START_SECONDS = 60;
const SETTLE_SECONDS = 20;
const BACKUP_SECONDS = 3600;

/** Resident memory of the agent's own process: at rest as a daemon, and at its highest during a large backup. */
export async function memory(world: World): Promise<Result[]> {
  const engine = await world.engine('mariadb');
  const rows = [await idle(world)];
  world.say(`making a database of ${world.options.largeMegabytes} MB …`);
  await engine.multiply(Math.ceil(world.options.largeMegabytes / world.options.megabytes));
  for (const compression of ['gzip', 'zstd', 'none'] as const) rows.push(await peak(world, compression));
  return rows;
}

async function idle(world: World): Promise<Result> {
  const engine = await world.engine('mariadb');
  const place = await world.place();
  const daemon = startRunning(HOLDFAST, ['run'], agentVariables(place, engine, 'gzip'));
  try {
    const ready = await watch(daemon, START_SECONDS, () => daemon.output().includes('next backup'));
    if (!ready) throw new Error(`the daemon did not start:\n${daemon.output()}`);
    await pause((world.options.quick ? 1 : SETTLE_SECONDS) * 1000);
    const now = megabytes(memoryOf(daemon.pid, 'VmRSS'));
    const highest = megabytes(memoryOf(daemon.pid, 'VmHWM'));
    return result({
      row: 'rss-idle',
      measure: 'memory (RSS) of the agent as a daemon at rest',
      ours: now,
      theirs: null,
      unit: 'MB',
      target: IDLE_TARGET_MB,
      note: `${SETTLE_SECONDS} s after its start`,
      details: { residentMegabytes: now, highestMegabytes: highest },
    });
  } finally {
    await daemon.stop();
    place.remove();
  }
}

async function peak(world: World, compression: Compression): Promise<Result> {
  const engine = await world.engine('mariadb');
  const place = await world.place();
  world.say(`memory during a backup of ${world.options.largeMegabytes} MB with ${compression}`);
  const backup = startRunning(HOLDFAST, ['backup'], agentVariables(place, engine, compression, 'large'));
  try {
    let highest = 0;
    // The high-water mark never falls: the last look before the end has it.
    await watch(backup, BACKUP_SECONDS, () => {
      highest = Math.max(highest, megabytes(memoryOf(backup.pid, 'VmHWM')));
      return false;
    });
    if ((await backup.ended) !== 0) throw new Error(`the backup failed:\n${backup.output()}`);
    return result({
      row: `rss-peak-${compression}`,
      measure: `highest memory (RSS) of the agent during a large backup with ${compression}`,
      ours: highest,
      theirs: null,
      unit: 'MB',
      target: PEAK_TARGET_MB,
      note: `of the agent's own process; ${backup.output().trim().split('\n')[0] ?? ''}`,
      details: { highestMegabytes: highest, dumpMegabytes: world.options.largeMegabytes },
    });
  } finally {
    await backup.stop();
    place.remove();
  }
}

/** Of the kilobytes that Linux means by kB: 1024 bytes. */
function megabytes(kilobytes: number | null): number {
  return (kilobytes ?? 0) / 1024;
}
