import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../agent/core/clock.ts';
import type { Compression } from '../../agent/core/glossary.ts';
import { rememberKnown } from '../../agent/jobs/upkeep/known-snapshots.ts';
import { openLedger } from '../../agent/ledger/sqlite.ts';
import { agentVariables, HOLDFAST, shellPipeline } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { alternate, median, medianRatio, type Side } from '../rounds.ts';
import type { Engine, EngineName } from '../servers.ts';
import { sh, timed, type Timed, type Variables } from '../timed.ts';
import { agentState, inPlace, type World } from '../world.ts';

const INCLUDES =
  'ours is `holdfast backup` from the command line to its exit: start of the program, rights and inventory of the database, the repository asked first, dump, retention, ledger, heartbeat';
const COMPRESSIONS: Compression[] = ['gzip', 'zstd', 'none'];
const TARGETS = { gzip: 0.55, zstd: 0.45, none: null };
const TARGET_SAME = 1.1;
const PLAIN = 'shell gzip';
const ALONE = 'without retention, for which the shell has nothing to set against';

/**
 * Whole backups into an empty repository: against what most people type, and against the same compressor in a shell. The
 * agent's is never its first one: it knows its repository and what it stores, as on any night but one.
 */
export async function wholeBackup(world: World, name: EngineName): Promise<Result[]> {
  const engine = await world.engine(name);
  const megabytes = world.options.megabytes;
  const shell = (side: string, stage: Parameters<typeof shellPipeline>[1]): Side<Timed> => ({
    name: side,
    run: () => inPlace(world, (place) => timed(shellPipeline(engine, stage), place.restic)),
  });
  world.say(`whole backups of ${name} ${engine.version}, ${megabytes} MB`);
  const state = await stateAfterFirst(world, engine);
  const agent =
    (compression: Compression, more: Variables = {}) =>
    () =>
      inPlace(world, async (place) => {
        cpSync(state, agentState(place), { recursive: true });
        return timed(`'${HOLDFAST}' backup`, { ...agentVariables(place, engine, compression), ...more });
      });
  const sides: Side<Timed>[] = [
    shell(PLAIN, 'plain gzip'),
    ...COMPRESSIONS.flatMap((compression) => [
      { name: `holdfast ${compression}`, run: agent(compression) },
      {
        name: `holdfast ${compression} without retention`,
        run: agent(compression, { BACKUP_RETENTION: 'off' }),
      },
      shell(`shell with the same ${compression}`, compression),
    ]),
  ];
  const runs = await alternate(sides, world.options.rounds, world.say);
  const seconds = (side: string) => (runs.get(side) ?? []).map((run) => run.seconds);
  const cpu = (side: string) => (runs.get(side) ?? []).map((run) => run.cpuSeconds);

  return COMPRESSIONS.flatMap((compression) => {
    const ours = `holdfast ${compression}`;
    const same = `shell with the same ${compression}`;
    const against = (side: string, us = ours) => ({
      ours: median(seconds(us)),
      theirs: median(seconds(side)),
      unit: 's' as const,
      ratio: medianRatio(seconds(us), seconds(side)),
      details: {
        server: engine.version,
        oursSeconds: seconds(us),
        theirsSeconds: seconds(side),
        oursCpuSeconds: cpu(us),
        theirsCpuSeconds: cpu(side),
        cpuRatio: medianRatio(cpu(us), cpu(side)),
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
      result({
        row: `${name}-${compression}-alike`,
        measure: `the same, ${ALONE}`,
        ...against(same, `${ours} without retention`),
        target: TARGET_SAME,
        note: ALONE,
      }),
    ];
  });
}

/** The agent's state folder after a backup of this database; also brings the database's pages and the program into memory. */
export async function stateAfterFirst(world: World, engine: Engine): Promise<string> {
  const kept = join(world.folder, `state-${engine.name}`);
  await inPlace(world, async (place) => {
    const variables = {
      ...agentVariables(place, engine, 'gzip'),
      BACKUP_RETENTION: 'off',
      BACKUP_PROOF: 'none',
    };
    await sh(`'${HOLDFAST}' backup`, variables);
    const { id } = JSON.parse(await sh('restic cat config', place.restic)) as { id: string };
    // The next repository has the same id and is empty: a retention would miss that backup there, and prune nothing.
    const ledger = openLedger(join(agentState(place), 'ledger.db'), systemClock);
    rememberKnown(ledger, id, []);
    ledger.close();
    cpSync(agentState(place), kept, { recursive: true });
  });
  return kept;
}
