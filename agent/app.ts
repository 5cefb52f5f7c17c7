import { join } from 'node:path';
import type { Logger } from 'pino';
import { createAccess, type AccessSurroundings } from './repository-access.ts';
import type { Config, SourceConfig } from './config/config.ts';
import { pickByName } from './config/pick.ts';
import type { Clock } from './core/clock.ts';
import { HoldfastError } from './core/errors.ts';
import type { Trigger } from './core/glossary.ts';
import type { TenantRole } from './core/tenant-access.ts';
import { VERSION } from './core/version.ts';
import { acceptJob } from './jobs/backup/accept.ts';
import { backupJob } from './jobs/backup/backup.ts';
import { alsoWarning } from './jobs/also-warning.ts';
import type { Cycle } from './jobs/upkeep/check-cycle.ts';
import { isFamiliar, rememberedId } from './jobs/init.ts';
import { notingSnapshots } from './jobs/upkeep/known-snapshots.ts';
import type { Job } from './jobs/job.ts';
import type { ExportTarget } from './jobs/restore/export.ts';
import { newestGoodSnapshot, whyNoProof } from './jobs/known-backups.ts';
import { strangersIn } from './jobs/strangers.ts';
import { tidyAfterRestores } from './jobs/restore/tidy-restores.ts';
import type { Wanted } from './jobs/find-snapshot.ts';
import { requireSamePlace } from './jobs/same-place.ts';
import { guarded, USUAL_OF } from './jobs/backup/size-guard.ts';
import { dumpBytesOf } from './jobs/size-up.ts';
import { createBudget, oldestFirst } from './jobs/verify/verify-turn.ts';
import { acquireLock } from './ledger/lock.ts';
import type { Ledger } from './ledger/ledger.ts';
import { openLedger } from './ledger/sqlite.ts';
import { endStrays } from './process/strays.ts';
import { recoverLeftovers } from './recovery.ts';
import { passwordReminder } from './reports/password.ts';
import type { Space } from './reports/space.ts';
import type { Repository } from './repository/repository.ts';
import { createRunner, type RunOptions, type RunReport, type Runner } from './runner.ts';
import { createStatusReport } from './status-report.ts';
import { createTenancy, type Tenancy } from './tenancy.ts';
import { createTenantTurns, type TenantTurns } from './tenant-turns.ts';
import { createParts, type Parts } from './parts.ts';
import { createUpkeep, type RepairChoice } from './upkeep.ts';
import { createScratchPlace } from './sources/create-scratch.ts';
import { createSource, createSourceAsItIs, tenantsByName } from './sources/create.ts';
import { loadEngines } from './sources/engines.ts';
import type { ScratchPlace } from './sources/scratch.ts';
import type { Source } from './sources/source.ts';
import { sweepThrowaways } from './sources/throwaway/folder.ts';
import type { RestoreSettings } from './jobs/restore/restoration.ts';

/** The concrete objects behind the CLI, the daemon and later the API. */
export interface App extends Tenancy, TenantTurns {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledger: Ledger;
  readonly repository: Repository;
  readonly sources: Source[];
  readonly runner: Runner;
  /** Backups of parts of a source, and dumps in plain files. */
  readonly parts: Parts;
  /** The role that a command acts as, which may touch some tenants alone; null for no limit. */
  readonly role: TenantRole | null;
  readonly version: string;
  /** The id of the repository at the configured location, as far as the agent has seen it; null before. */
  repositoryId(): string | null;
  /** Where a generated password lies that nobody confirmed as stored elsewhere; null where there is nothing to say. */
  passwordReminder(): string | null;
  /** The sources with these names, all for none; throws `usage` that lists what there is. */
  pick(names: string[]): Source[];
  /** How much room there is for the repository and the state, and for how long. */
  space(): Promise<Space>;
  /** How far checks are with reading all data; null before the first one that read any. */
  dataCheck(): Cycle | null;
  /** A person's word that the newest backup of a source is right although it is suspect. */
  accept(source: string, said: { reason: string; by: string }, options: RunOptions): Promise<RunReport[]>;
  /** Backs up, and does the maintenance that follows from it. */
  backUp(names: string[], options: RunOptions & { mended?: boolean }): Promise<RunReport[]>;
  /** Verifies those that are named; for no name all, the one that waits longest first, as long as their time lasts. */
  verify(names: string[], options: RunOptions): Promise<RunReport[]>;
  /** Where scratch databases of a source are made. */
  scratchPlace(source: Source): ScratchPlace;
  check(what: 'structure' | 'all-data', options: RunOptions): Promise<RunReport[]>;
  /** Looks for damage, and mends it unless it is a dry run; a check of all data follows then. */
  repair(choice: RepairChoice, options: RunOptions): Promise<RunReport[]>;
  /** Records that every source's job was due and did not run, and why. */
  skip(job: 'backup' | 'verify', options: { trigger: Trigger; why: unknown }): Promise<void>;
  prune(choice: { dryRun: boolean; acceptMissing: boolean }, options: RunOptions): Promise<RunReport[]>;
  restore(
    choice: { source: Source } & Pick<
      RestoreSettings,
      | 'wanted'
      | 'target'
      | 'tables'
      | 'ofTenant'
      | 'byTenant'
      | 'owners'
      | 'createRoles'
      | 'restorePoint'
      | 'inPlace'
      | 'unverified'
      | 'dryRun'
    >,
    options: RunOptions,
  ): Promise<RunReport[]>;
  /** Restores as a plain file; the source need not be configured here. */
  export(
    choice: { source: string; wanted: Wanted; target: ExportTarget },
    options: RunOptions,
  ): Promise<RunReport[]>;
  /** Resolves when what was told to stop is gone, and the ledger is closed. */
  close(): Promise<void>;
}

export interface Surroundings extends AccessSurroundings {
  log: Logger;
  /** What was found and put in order before a run, for whoever is there: the log of the daemon, the person of a command. */
  tell: (finding: string) => void;
}

/**
 * Wires a configuration to concrete objects. What most commands do not need (an engine, a restore, a verification) is read when it is
 * asked for: half of what a start takes is reading files.
 */
export async function createApp(config: Config, surroundings: Surroundings): Promise<App> {
  const { log } = surroundings;
  const access = createAccess(config, surroundings);
  const { clock, processes, password, childEnvironment } = access;
  const ledger = openLedger(join(config.stateDir, 'ledger.db'), clock);
  const repository = notingSnapshots(access.repository, ledger, { clock, retention: config.retention });
  const runtimeDir = join(config.stateDir, 'run');
  const throwawayDir = config.throwawayDir ?? join(config.stateDir, 'throw-away');
  const sourceDeps = { processes, runtimeDir, engines: await loadEngines(config.sources) };
  const sources = config.sources.map((source) => createSource(source, sourceDeps));
  const backupTimeoutMs = config.backupTimeoutSeconds * 1000;

  const role = config.access.find(({ name }) => name === config.role) ?? null;
  const tenants = tenantsByName(config, sourceDeps);
  const upkeep = createUpkeep({ config, clock, ledger, repository, sources, tenants });

  const repositoryId = () => rememberedId(repository, ledger);
  const runner = createRunner({
    ledger,
    acquireLock: () => acquireLock(join(config.stateDir, 'run.lock')),
    startWaitMs: 30_000,
    recover: async (interrupted, signal) => {
      await sweepThrowaways(throwawayDir);
      await endStrays(runtimeDir);
      await recoverLeftovers(
        interrupted,
        {
          repository,
          ledger,
          runtimeDir,
          isFamiliar: (id) => isFamiliar(repository, ledger, id),
          strangersIn: (source, snapshots) => strangersIn(ledger, source, snapshots),
          backupTimeoutMs,
          lockPauseMs: 2_000,
          tell: surroundings.tell,
        },
        signal,
      );
      const tidying = { repository, ledger, host: config.host, sources, tell: surroundings.tell };
      await tidyAfterRestores(interrupted, tidying, signal);
    },
    report: createStatusReport({ config, clock, ledger, repository, upkeep, tell: surroundings.tell }),
    log,
  });

  const usual = { repository, ledger, now: () => clock.now(), timeoutMs: backupTimeoutMs };
  const pick = (names: string[]) => pickByName(sources, names);
  const settingsOf = ({ name }: Source): SourceConfig => {
    const settings = config.sources.find((candidate) => candidate.name === name);
    if (settings === undefined) throw new Error(`no configuration for ${name}`);
    return settings;
  };
  const scratchPlace = (source: Source): ScratchPlace =>
    createScratchPlace(source, settingsOf(source), { ...sourceDeps, throwawayDir });
  const storing = (source: Source) => {
    const settings = settingsOf(source);
    const { compression, allowIncomplete, listedIn } = settings;
    return { repository, notes: ledger, compression, allowIncomplete, listedIn };
  };
  const tenancy = createTenancy({
    tenants,
    role,
    clock,
    ledger,
    runner,
    storing,
    timeoutMs: backupTimeoutMs,
  });
  const jobOfSource = (source: Source, mended: boolean): Job => {
    const backup = backupJob(source, { ...storing(source), mended, timeoutMs: backupTimeoutMs });
    const told = alsoWarning(backup, async () => (await upkeep.space()).warnings);
    return guarded(told, {
      guard: settingsOf(source).guard,
      notes: ledger,
      good: () => ledger.comparable(source.name, USUAL_OF),
    });
  };
  const verification = async (source: Source, outOfTime: () => string | null): Promise<Job> => {
    const settings = settingsOf(source);
    const { verifyJob } = await import('./jobs/verify/verify.ts');
    return verifyJob(source, {
      ...usual,
      notes: ledger,
      host: config.host,
      scratch: scratchPlace(source),
      dumpBytes: (snapshotId) => dumpBytesOf(ledger, source.name, snapshotId),
      wantsProof: settings.proof !== 'none',
      whyNoProof: (snapshotId) => whyNoProof(ledger, source.name, snapshotId),
      newestGood: () => newestGoodSnapshot(ledger, source.name, repositoryId()),
      queries: settings.verify.queries,
      hasTenants: tenants.get(source.name) != null,
      rtoSeconds: settings.objectives.rtoSeconds,
      outOfTime,
    });
  };
  return {
    config,
    clock,
    log,
    ledger,
    repository,
    sources,
    runner,
    parts: createParts({
      ...{ config, clock, ledger, repository, sourceDeps, sources, runner, upkeep, role },
      path: childEnvironment['PATH'] ?? '',
    }),
    role,
    version: VERSION,
    repositoryId,
    // A password that never opened a repository is none to keep.
    passwordReminder: () =>
      repositoryId() === null ? null : passwordReminder(ledger, password.generatedAt()),
    pick,
    space: () => upkeep.space(),
    dataCheck: () => upkeep.dataCheck(),
    backUp: async (names, { mended = false, ...options }) => {
      const chosen = pick(names);
      if (options.trigger === 'command') requireSamePlace(chosen.map(settingsOf), ledger);
      return runner.run(
        chosen.map((source) => jobOfSource(source, mended)),
        { ...options, next: (soFar) => upkeep.afterBackup(soFar) },
      );
    },
    accept: (name, said, options) =>
      runner.run(
        pick([name]).map((source) => acceptJob(source.name, { ledger, ...said })),
        options,
      ),
    scratchPlace,
    verify: async (names, options) => {
      const outOfTime =
        names.length > 0 ? () => null : createBudget(config.verifyBudgetSeconds, () => clock.now().getTime());
      const chosen = names.length > 0 ? pick(names) : oldestFirst(pick([]), ledger);
      return runner.run(await Promise.all(chosen.map((source) => verification(source, outOfTime))), {
        ...options,
        next: (soFar) => upkeep.afterVerification(soFar),
      });
    },
    skip: (name, options) =>
      runner.skip(
        sources.map((source) => ({ name, source: source.name })),
        options,
      ),
    check: (what, options) => runner.run([upkeep.check(what)], options),
    repair: (choice, options) =>
      runner.run([upkeep.repair(choice)], {
        ...options,
        next: (soFar) => upkeep.afterRepair(choice, soFar),
      }),
    prune: async (choice, options) => {
      if (!config.retention && !choice.dryRun) throw switchedOff();
      return runner.run([upkeep.retention({ ...choice, afterBackup: false })], options);
    },
    restore: async ({ source, ...choice }, options) => {
      const { restoreJob } = await import('./jobs/restore/restore.ts');
      const settings = {
        ...storing(source),
        asItIs: createSourceAsItIs(settingsOf(source), sourceDeps),
        tell: surroundings.tell,
        ...usual,
        host: config.host,
      };
      return runner.run([restoreJob(source, { ...settings, ...choice })], options);
    },
    ...tenancy,
    ...createTenantTurns({
      ...{ config, clock, ledger, repository, scratchPlace, runner, upkeep },
      tenantsOf: tenancy.tenantsOf,
    }),
    export: async ({ source, ...choice }, options) => {
      const { exportJob } = await import('./jobs/restore/export.ts');
      return runner.run([exportJob(source, { ...usual, ...choice })], options);
    },
    close: async () => {
      await processes.settled();
      ledger.close();
    },
  };
}

function switchedOff(): HoldfastError {
  return new HoldfastError('configuration', 'retention is switched off, so nothing is removed', {
    hint: 'Remove BACKUP_RETENTION=off (in the file: retention) to switch it on; `holdfast prune --dry-run` shows what it would remove.',
  });
}
