import { setTimeout as delay } from 'node:timers/promises';
import type { RepositoryConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { counted } from '../core/units.ts';
import type { Compressors } from '../process/compress.ts';
import type { Exit, Processes } from '../process/run.ts';
import type { SpoolOptions } from '../process/spool.ts';
import { damageIn } from './damage.ts';
import { clearDeadLocks, settleNotes } from './locks.ts';
import { configMessage, findLine, parseLine, statsMessage } from './messages.ts';
import { fetchFiles } from './fetch.ts';
import { readDump } from './read.ts';
import type { RepositoryPassword } from './password.ts';
import { forgetByPolicy, previewPolicy, pruneData, removeSnapshots } from './retention.ts';
import { createRepairs } from './repairs.ts';
import { resticError, type Restic } from './restic.ts';
import type { CheckPart, Repository, SaveTarget } from './repository.ts';
import { prepareSave } from './save.ts';
import { saveFolder } from './save-folder.ts';
import { mayHaveStored, strayOf, type FailedSave } from './strays.ts';
import { resticVersion } from './version.ts';
import { listFiles } from './files.ts';
import { listSnapshots } from './snapshots.ts';

export interface ResticRepositorySettings {
  processes: Processes;
  compressors: Compressors;
  restic: Restic;
  config: RepositoryConfig;
  password: Pick<RepositoryPassword, 'keep' | 'refusal'>;
  /** restic's `--host`, whatever the machine or container is called. */
  host: string;
  spool: SpoolOptions;
  clock: Clock;
}

const CREATE_TIMEOUT_MS = 120_000;
const STATS_TIMEOUT_MS = 300_000;
const CHECK_TIMEOUT_MS = 24 * 3600_000;

/** Who asks so soon after a repository gave no answer gets the same one: each time would cost the whole answer timeout. */
const SILENCE_HOLDS_MS = 10_000;

export function createResticRepository(settings: ResticRepositorySettings): Repository {
  const { restic, config, host, processes, compressors } = settings;
  const errorOf = (exit: Exit) => resticError(exit, config);
  const answerTimeoutMs = config.answerTimeoutSeconds * 1000;

  /** Runs an action; where a lock is in its way, clears a dead one and tries again, then waits for a living one. */
  const unlocked = async <T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> => {
    const giveUpAt = performance.now() + config.lockWaitSeconds * 1000;
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.kind !== 'repository_locked') throw error;
        if ((await clearDeadLocks(restic, settings.clock.now(), signal)).removed > 0) continue;
        if (performance.now() >= giveUpAt) throw error;
        await delay(Math.min(5_000, config.lockWaitSeconds * 250 + 50), undefined, { signal });
      }
    }
  };

  const forgetStray = async (failed: FailedSave) => {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    // One that is ended in the moment in which it makes its lock leaves it behind.
    await clearDeadLocks(restic, settings.clock.now(), signal);
    if (failed.named === null && !mayHaveStored(failed)) return;
    const stray = failed.named ?? strayOf(failed, await listSnapshots(restic, host, {}, signal));
    if (stray !== null) await unlocked(signal, () => removeSnapshots(restic, host, [stray], signal));
  };

  let version: Promise<string> | null = null;
  const toolVersion = (signal: AbortSignal) =>
    (version ??= resticVersion(restic, signal).catch((error: unknown) => {
      // Asked again the next time: what was wrong at one moment is no verdict for ever.
      version = null;
      throw error;
    }));

  let silence: { error: HoldfastError; since: number } | null = null;
  const askForId = async (more: string[], signal: AbortSignal) => {
    if (silence !== null && performance.now() - silence.since < SILENCE_HOLDS_MS) throw silence.error;
    await toolVersion(signal);
    try {
      const options = { timeoutMs: answerTimeoutMs, signal };
      const { stdout } = await restic.run(['cat', 'config', ...more], options);
      const id = parseLine(configMessage, stdout.replaceAll('\n', ' ').trim())?.id;
      if (id !== undefined) return id;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (error.kind === 'repository_unreachable') silence = { error, since: performance.now() };
      throw error.kind === 'repository_password' ? settings.password.refusal(restic.location) : error;
    }
    throw new HoldfastError('repository_failed', 'the repository has no readable configuration');
  };

  const prepare = (target: SaveTarget) =>
    prepareSave(
      {
        processes,
        compressors,
        restic,
        host,
        spool: settings.spool,
        errorOf,
        forgetStray,
        now: () => settings.clock.now(),
      },
      target,
    );
  const diagnose = (part: CheckPart, signal: AbortSignal) =>
    unlocked(signal, async () => {
      const args = ['check', '--json', ...dataArguments(part)];
      const finished = await restic.run(args, { timeoutMs: CHECK_TIMEOUT_MS, signal, accept: [1] });
      const damage = damageIn(finished.stdout, finished.stderr);
      if (finished.code === 0 && damage?.errors === 0) return null;
      if (damage === null) throw errorOf(finished);
      return damage;
    });

  return {
    location: restic.location,
    toolVersion,
    identify: (signal) => unlocked(signal, () => askForId([], signal)),
    reach: (signal) => askForId(['--no-lock'], signal),
    create: async (signal) => {
      settings.password.keep();
      const { stdout } = await restic.run(['init', '--json'], { timeoutMs: CREATE_TIMEOUT_MS, signal });
      const id = findLine(configMessage, stdout)?.id;
      if (id === undefined)
        throw new HoldfastError('repository_failed', 'restic did not say which repository it made');
      return id;
    },
    save: ({ open, onProgress, ...target }, signal) => prepare(target).save({ open, onProgress }, signal),
    prepare,
    saveFolder: (request, signal) =>
      saveFolder({ restic, host, errorOf, forgetStray, now: () => settings.clock.now() }, request, signal),
    files: (snapshot, signal) => listFiles(restic, snapshot, signal),
    list: (filter, signal) => listSnapshots(restic, host, filter, signal),
    hosts: async (filter, signal) => {
      const everywhere = await listSnapshots(restic, null, filter, signal);
      return [...new Set(everywhere.map((snapshot) => snapshot.host))].toSorted();
    },
    read: (snapshot, signal) => readDump({ processes, compressors, restic, errorOf }, snapshot, signal),
    fetch: (snapshot, files, signal) => fetchFiles({ restic, errorOf }, snapshot, files, signal),
    remove: (ids, signal) => unlocked(signal, () => removeSnapshots(restic, host, ids, signal)),
    preview: (policy, signal, filter = {}) =>
      unlocked(signal, () => previewPolicy(restic, host, policy, filter, signal)),
    forget: (policy, filter, signal) =>
      unlocked(signal, () => forgetByPolicy(restic, host, policy, filter, signal)),
    prune: (expected, signal) => unlocked(signal, () => pruneData(restic, host, expected, signal)),
    check: async (part, signal) => {
      const damage = await diagnose(part, signal);
      if (damage === null) return;
      throw new HoldfastError(
        'repository_damaged',
        `the check found ${counted(damage.errors, 'error')}: ${damage.first}`,
        {
          hint: 'See what is broken, and how to mend it, with `holdfast repair`; nothing is pruned until it is.',
        },
      );
    },
    diagnose,
    repairs: createRepairs(restic, config.location, unlocked),
    stats: async (signal) => {
      const read = async (mode: string) => {
        const args = ['stats', '--json', '--no-lock', '--mode', mode];
        const { stdout } = await restic.run(args, { timeoutMs: STATS_TIMEOUT_MS, signal });
        return statsMessage.parse(JSON.parse(stdout));
      };
      const raw = await read('raw-data');
      const restore = await read('restore-size');
      return {
        storedBytes: raw.total_size,
        restoreBytes: restore.total_size,
        snapshots: raw.snapshots_count,
      };
    },
    clearDeadLocks: async (signal) => {
      const cleared = await clearDeadLocks(restic, settings.clock.now(), signal);
      if (cleared.left === 0) await settleNotes(restic, signal);
      return cleared;
    },
  };
}

function dataArguments(part: CheckPart): string[] {
  if (part === 'structure') return [];
  return part === 'all-data' ? ['--read-data'] : [`--read-data-subset=${part.part}/${part.of}`];
}
