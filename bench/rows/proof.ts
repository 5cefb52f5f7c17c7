import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { agentVariables, HOLDFAST, SHELL_STAGES } from '../holdfast.ts';
import { result, type Result } from '../result.ts';
import { alternate, median, type Side } from '../rounds.ts';
import type { Engine, EngineName } from '../servers.ts';
import { sh, timed, type Timed } from '../timed.ts';
import { agentState, inPlace, type Place, type World } from '../world.ts';
import { stateAfterFirst } from './whole-backup.ts';

const TARGETS = { checksums: 0.6, counts: 0.1 };
const TARGET_VERIFY = 6;
const TARGET_RESTORE = 1.1;
const LEVELS = ['checksums', 'counts'] as const;

/** Of two runs of the agent in one environment, what differs is where the scratch database lies. */
const VERIFY_ON = { verify: {}, 'verify on a throw-away server': { VERIFY_SERVER: 'throw-away' } };

/**
 * What a proof adds to a backup and what a verification takes, both in times of the dump alone (the dump client into
 * /dev/null), and a restore against the same in a shell.
 */
export async function proof(world: World, name: EngineName): Promise<Result[]> {
  const engine = await world.engine(name);
  world.say(`proof, verification and restore of ${name} ${engine.version}`);
  const state = await stateAfterFirst(world, engine);
  const backup = (level: string) => () =>
    inPlace(world, (place) => {
      cpSync(state, agentState(place), { recursive: true });
      return timed(`'${HOLDFAST}' backup`, variables(place, engine, level));
    });
  const proven = await backedUp(world, engine, 'checksums');
  const plain = await backedUp(world, engine, 'none');
  const copies = { ours: 0, theirs: 0 };
  const sides: Side<Timed>[] = [
    { name: 'dump', run: () => timed(`${engine.dumpLine('shop')} >/dev/null`, world.base) },
    ...['none', ...LEVELS].map((level) => ({ name: `proof ${level}`, run: backup(level) })),
    ...Object.entries(VERIFY_ON).map(([side, more]) => ({
      name: side,
      run: () =>
        timed(`'${HOLDFAST}' verify`, {
          ...variables(proven, engine, 'checksums'),
          VERIFY_FOLDER: join(world.folder, 'throw-away'),
          ...more,
        }),
    })),
    {
      name: 'restore',
      run: async () => {
        const database = `ours_${(copies.ours += 1)}`;
        const run = await timed(
          `'${HOLDFAST}' restore shop --to ${database}`,
          variables(plain, engine, 'none'),
        );
        await engine.drop(database);
        return run;
      },
    },
    {
      name: 'restore in a shell',
      run: async () => {
        const database = `theirs_${(copies.theirs += 1)}`;
        await engine.createEmpty(database);
        const path = `${engine.storedPath}${SHELL_STAGES.gzip.suffix}`;
        const line = `restic dump latest ${path} | gunzip | ${engine.loadLine(database)}`;
        const run = await timed(line, plain.restic);
        await engine.drop(database);
        return run;
      },
    },
  ];
  const runs = await alternate(sides, world.options.rounds, world.say);
  for (const place of [proven, plain]) place.remove();
  const seconds = (side: string) => (runs.get(side) ?? []).map((run) => run.seconds);
  const cpuSeconds = (side: string) => (runs.get(side) ?? []).map((run) => run.cpuSeconds);
  const details = {
    ...Object.fromEntries(sides.map(({ name: side }) => [side, seconds(side)])),
    cpuSeconds: Object.fromEntries(sides.map(({ name: side }) => [side, cpuSeconds(side)])),
  };
  const row = (
    given: { row: string; measure: string; note: string; target: number | null },
    ours: number,
    theirs: number,
  ) => result({ ...given, ours, theirs, unit: 's', details });
  const alone = median(seconds('dump'));

  return [
    ...LEVELS.map((level) =>
      row(
        {
          row: `proof-${name}-${level}`,
          measure: `what a proof by ${level} adds to a backup, against the dump alone`,
          note: `the backup with it without the one with BACKUP_PROOF=none, each a median`,
          target: TARGETS[level],
        },
        median(seconds(`proof ${level}`)) - median(seconds('proof none')),
        alone,
      ),
    ),
    row(
      {
        row: `proof-${name}-load`,
        measure: 'restic, gunzip and the client in a shell, against the dump alone',
        note: 'what of a verification no agent can save: its load by the plain client',
        target: null,
      },
      median(seconds('restore in a shell')),
      alone,
    ),
    row(
      {
        row: `proof-${name}-throw-away`,
        measure: 'a whole verification on a throw-away server, against the dump alone',
        note: 'its start included; nothing is flushed to the disk there',
        target: TARGET_VERIFY,
      },
      median(seconds('verify on a throw-away server')),
      alone,
    ),
    row(
      {
        row: `proof-${name}-verify`,
        measure: 'a whole verification, against the dump alone',
        note: 'fetch, restore, compare with the proof by checksums, drop',
        target: TARGET_VERIFY,
      },
      median(seconds('verify')),
      alone,
    ),
    row(
      {
        row: `proof-${name}-restore`,
        measure: 'a restore into a new database, against restic, gunzip and the client in a shell',
        note: 'of a backup without a proof: what is compared with one is in the row of the verification',
        target: TARGET_RESTORE,
      },
      median(seconds('restore')),
      median(seconds('restore in a shell')),
    ),
  ];
}

async function backedUp(world: World, engine: Engine, level: string): Promise<Place> {
  const place = await world.place();
  await sh(`'${HOLDFAST}' backup`, variables(place, engine, level));
  return place;
}

function variables(place: Place, engine: Engine, level: string) {
  return { ...agentVariables(place, engine, 'gzip'), BACKUP_PROOF: level };
}
