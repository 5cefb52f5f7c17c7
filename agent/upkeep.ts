import { join } from 'node:path';
import type { Config, TenantsConfig } from './config/config.ts';
import { tenantGroups } from './config/tenant-groups.ts';
import { utc, type Clock } from './core/clock.ts';
import { matchesPattern } from './core/pattern.ts';
import { maintenanceAfter } from './jobs/backup/after-backup.ts';
import { recallCycle, type Cycle } from './jobs/upkeep/check-cycle.ts';
import { checkJob, type CheckSettings } from './jobs/upkeep/check.ts';
import { rememberedId } from './jobs/init.ts';
import type { Job } from './jobs/job.ts';
import { newestGoodSnapshot } from './jobs/known-backups.ts';
import { repairJob } from './jobs/upkeep/repair.ts';
import { openDamage } from './jobs/upkeep/open-damage.ts';
import { standingOf } from './jobs/upkeep/retention-choice.ts';
import { retentionJob } from './jobs/upkeep/retention.ts';
import { tenantDoubtOf } from './jobs/upkeep/tenant-doubt.ts';
import { strangersIn, strangerWords } from './jobs/strangers.ts';
import { dropReplaced } from './jobs/restore/tidy-restores.ts';
import { ledgerIsDue, storeLedgerJob } from './jobs/backup/store-ledger.ts';
import type { Ledger } from './ledger/ledger.ts';
import { measureSpace, type Space } from './reports/space.ts';
import { localFolder } from './repository/local.ts';
import type { Repository } from './repository/repository.ts';
import type { RunReport } from './runner.ts';
import { outlookOf } from './scheduler.ts';
import type { Source } from './sources/source.ts';
import type { Tenants } from './sources/tenants.ts';

/** What keeps the repository healthy: its jobs, which follow from which, and how it stands. */
export interface Upkeep {
  check(what: CheckSettings['what']): Job;
  retention(choice: { dryRun: boolean; acceptMissing: boolean; afterBackup: boolean }): Job;
  repair(choice: RepairChoice): Job;
  /** What follows a backup. */
  afterBackup(soFar: RunReport[]): Job[];
  /** What follows verifications: what they found is worth keeping. */
  afterVerification(soFar: RunReport[]): Job[];
  /** A repair is believed only when every byte was read once more. */
  afterRepair(choice: RepairChoice, soFar: RunReport[]): Job[];
  /** How much room there is for the repository and the state, and for how long. */
  space(): Promise<Space>;
  /** How far checks are with reading all data; null before the first one that read any. */
  dataCheck(): Cycle | null;
}

export interface RepairChoice {
  dryRun: boolean;
  forgetBroken: boolean;
}

const HOURS = 3_600_000;
const CHECK_TIMEOUT_MS = 24 * HOURS;
const RETENTION_TIMEOUT_MS = 12 * HOURS;

export function createUpkeep(deps: {
  config: Config;
  clock: Clock;
  ledger: Ledger;
  repository: Repository;
  sources: Source[];
  /** By the name of the source; null for one without. */
  tenants: Map<string, Tenants | null>;
}): Upkeep {
  const { config, clock, ledger, repository, sources, tenants } = deps;
  const base = { repository, notes: ledger };

  const check = (what: CheckSettings['what']) =>
    checkJob({
      ...base,
      what,
      plan: {
        seconds: config.checkCycleSeconds,
        maxBytes: config.checkBytes,
        betweenSeconds: betweenChecks(config, clock.now()),
      },
      openDamage: () => openDamage(ledger),
      now: () => clock.now(),
      timeoutMs: CHECK_TIMEOUT_MS,
    });
  const retention: Upkeep['retention'] = (choice) =>
    retentionJob({
      ...base,
      keep: config.keep,
      keepOf: (name) => keepOf(config, name),
      keepOfTenant: (name, tenant) => keepOfTenant(config, name, tenant),
      keepOfGroup: (name, group) =>
        groupsOf(config, name).find((one) => one.name === group)?.keep ?? keepOfTenants(config, name),
      sources: sources.map((source) => source.name),
      mustExist: () =>
        sources.flatMap(({ name }) => {
          const snapshotId = newestGoodSnapshot(ledger, name, rememberedId(repository, ledger));
          return snapshotId === null ? [] : [{ source: name, snapshotId }];
        }),
      tenantDoubt: (name) => {
        const scheduled = tenantGroups(config).filter(({ source }) => source === name);
        return tenantDoubtOf(
          ledger,
          name,
          scheduled.map(({ group }) => group),
        );
      },
      standing: (name) => {
        const settings = config.sources.find((source) => source.name === name);
        return standingOf(ledger, name, {
          wantsProof: settings !== undefined && settings.proof !== 'none',
          repositoryId: rememberedId(repository, ledger),
        });
      },
      strangers: (source, snapshots) =>
        strangerWords(source, strangersIn(ledger, source, snapshots), config.host),
      watches: config.retention,
      damaged: () => openDamage(ledger) !== null,
      now: () => clock.now(),
      dropReplaced: (signal) =>
        dropReplaced(
          sources.map((source) => ({ source, tenants: tenants.get(source.name) ?? null })),
          ledger,
          clock.now(),
          signal,
        ),
      ...choice,
      timeoutMs: RETENTION_TIMEOUT_MS,
    });
  const ledgerCopy = () =>
    storeLedgerJob({
      repository,
      ledger,
      folder: join(config.stateDir, 'run'),
      removeOlder: config.retention,
      now: () => clock.now(),
      timeoutMs: HOURS,
    });

  return {
    check,
    retention,
    repair: (choice) => {
      const copies = join(config.stateDir, 'repairs', utc(clock.now()).replaceAll(':', ''));
      return repairJob({ ...base, copies, ...choice, timeoutMs: CHECK_TIMEOUT_MS });
    },
    afterBackup: (soFar) => {
      const ended = soFar.map(({ job, run }) => ({ name: job.name, succeeded: run.result === 'succeeded' }));
      const afterId = ledger.last('check', null, 'succeeded')?.id ?? 0;
      const counts = sources.map((source) => ledger.countSucceededSince('backup', source.name, afterId));
      const follows = maintenanceAfter(ended, {
        checkInterval: config.checkInterval,
        backupsSinceCheck: Math.max(...counts),
        retention: config.retention,
        ledger: config.storeLedger && ledgerIsDue(ledger, clock.now()),
      });
      return follows.map((name) => {
        if (name === 'retention')
          return retention({ dryRun: false, acceptMissing: false, afterBackup: true });
        return name === 'check' ? check('next-part') : ledgerCopy();
      });
    },
    afterVerification: (soFar) =>
      config.storeLedger && soFar.every(({ job }) => job.name === 'verify' || job.name === 'tenant-verify')
        ? [ledgerCopy()]
        : [],
    afterRepair: ({ dryRun }, soFar) => {
      const [first, ...others] = soFar;
      // Without a warning nothing was broken, and every byte was read a moment ago.
      const mended = first?.run.result === 'succeeded' && first.run.warnings.length > 0;
      return mended && others.length === 0 && !dryRun ? [check('all-data')] : [];
    },
    space: () =>
      measureSpace(ledger, {
        repository: config.repository.location === null ? null : localFolder(config.repository.location),
        repositoryId: rememberedId(repository, ledger),
        state: config.stateDir,
        leastBytes: config.freeSpaceBytes,
      }),
    dataCheck: () => {
      const id = rememberedId(repository, ledger);
      return id === null ? null : recallCycle(ledger, id);
    },
  };
}

function keepOf(config: Config, source: string): Config['keep'] {
  return config.sources.find(({ name }) => name === source)?.keep ?? config.keep;
}

function keepOfTenants(config: Config, source: string): Config['keep'] {
  return tenantsOf(config, source)?.keep ?? keepOf(config, source);
}

/** Of the group that it is in; what is kept of all tenants of its source where that says nothing. */
function keepOfTenant(
  config: Config,
  source: string,
  { id, schema }: { id: string; schema: string },
): Config['keep'] {
  const group = groupsOf(config, source).find(({ match }) =>
    match.some((pattern) => matchesPattern(pattern, id) || matchesPattern(pattern, schema)),
  );
  return group?.keep ?? keepOfTenants(config, source);
}

function groupsOf(config: Config, source: string): TenantsConfig['groups'] {
  return tenantsOf(config, source)?.groups ?? [];
}

function tenantsOf(config: Config, source: string): TenantsConfig | null {
  const settings = config.sources.find(({ name }) => name === source);
  return settings?.type === 'postgres' ? settings.tenants : null;
}

/** How long it takes by schedule from one check to the next, in the mean and in seconds; null where the schedule does not tell. */
function betweenChecks({ schedule, timeZone, checkInterval }: Config, now: Date): number | null {
  const { meanSeconds } = outlookOf(schedule.backup, timeZone, now);
  return meanSeconds === null || checkInterval === 0 ? null : meanSeconds * checkInterval;
}
