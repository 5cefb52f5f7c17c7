import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PostgresSourceConfig } from '../../../config/config.ts';
import { systemClock } from '../../../core/clock.ts';
import { STAGING } from '../../../core/staging.ts';
import { judge } from '../../client/dump.ts';
import type { Probe, StagedDump } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { hintOf, lacksSnapshot, LOCK_WAIT_MS, lookBefore, optionsFor } from '../dump.ts';
import { postgresEnvironment } from '../environment.ts';
import { createProofBesideDump, type ProofBesideDump } from '../proof/beside-dump.ts';
import { withPostgresSession } from '../session.ts';
import { requireWhole } from './check.ts';
import { directoryHurdle } from './preflight.ts';
import { CUSTOM_NEEDS_NONE, makePlace, makeRoom, requireRoom } from './room.ts';
import { runInPlace } from './run.ts';

export interface StageOptions {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  /** Of the folder in the repository, and so below the staging folder. */
  path: string;
  onBytes: (bytes: number) => void;
}

const LOOK_TIMEOUT_MS = 60_000;

/**
 * Dumps the source's database into a folder on the disk, by several connections that share one snapshot with the session that reads the proof.
 * What is there when it resolves is whole: pg_dump ended well, and each file that its table of contents names ends as it must.
 */
export async function stageDirectory(options: StageOptions, signal: AbortSignal): Promise<StagedDump> {
  const { config, deps, probe, path } = options;
  const { leftOut, requireTables } = await lookBefore(config, deps, probe, signal);
  const place = await makePlace(deps.runtimeDir);
  const begunAt = systemClock.now();
  const proof = config.proof === 'none' ? null : createProofBesideDump(config, deps.tools.caFile, signal);
  try {
    await preflight(options, place.path, signal);
    const staging = join(place.path, STAGING);
    const folder = join(staging, path.slice(1));
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    const dump = async () => {
      const snapshot = (await proof?.begin(leftOut)) ?? null;
      const warnings = await runDump(options, { folder, snapshot, more: optionsFor(leftOut), proof }, signal);
      const whole = await requireWhole(folder);
      const more = await requireTables(whole);
      return { files: whole.files, bytes: whole.bytes, warnings: [...warnings, ...more] };
    };
    const done = dump();
    const proving = proof?.accompany({ stream: nothing(), done }).proof;
    const facts = await done;
    return {
      ...facts,
      staging,
      begunAt,
      remove: place.remove,
      ...(proving === undefined ? {} : { proof: proving }),
    };
  } catch (error) {
    await place.remove();
    throw error;
  }
}

/** Before the first byte. */
async function preflight({ config, deps, probe }: StageOptions, place: string, signal: AbortSignal) {
  const look = { signal, caFile: deps.tools.caFile, timeoutMs: LOOK_TIMEOUT_MS };
  const hurdle = await withPostgresSession(config, look, (session) => directoryHurdle(session, config));
  if (hurdle !== null) throw hurdle;
  await requireRoom(place, {
    bytes: probe.databaseBytes ?? 0,
    what: `the dump of ${config.database}`,
    kind: 'dump_failed',
    otherwise: CUSTOM_NEEDS_NONE,
  });
}

interface DumpRun {
  folder: string;
  /** Null: pg_dump takes one of its own. */
  snapshot: string | null;
  more: string[];
  proof: ProofBesideDump | null;
}

async function runDump(options: StageOptions, run: DumpRun, signal: AbortSignal): Promise<string[]> {
  const { config, deps, probe, onBytes } = options;
  const { folder, snapshot, more, proof } = run;
  const label = `dump of ${config.database}`;
  const exit = await runInPlace(
    {
      file: probe.client.path,
      args: [
        ...['--format=directory', '--compress=0', '--no-sync', '--no-password'],
        ...[`--jobs=${config.jobs}`, `--lock-wait-timeout=${LOCK_WAIT_MS}`, `--file=${basename(folder)}`],
        ...more,
        ...(snapshot === null ? [] : [`--snapshot=${snapshot}`]),
      ],
      cwd: dirname(folder),
      env: postgresEnvironment(config, deps.tools.caFile),
      label: 'pg_dump',
      secrets: [config.password],
    },
    { folder, label, processes: deps.processes, idleTimeoutMs: deps.idleTimeoutMs, onBytes },
    signal,
  );
  if (exit.code !== 0 && snapshot !== null && lacksSnapshot(exit)) {
    proof?.notShared();
    await rm(folder, { recursive: true, force: true });
    return runDump(options, { ...run, snapshot: null }, signal);
  }
  return judge({ label }, { hint }, exit);
}

function hint(said: string): string | undefined {
  return /No space left on device/i.test(said) ? makeRoom(CUSTOM_NEEDS_NONE) : hintOf(said);
}

async function* nothing(): AsyncGenerator<Buffer> {
  // The dump's bytes are on the disk.
}
