import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, SourceConfig, TenantsConfig } from './config/config.ts';
import { pickByName } from './config/pick.ts';
import type { Clock } from './core/clock.ts';
import { HoldfastError } from './core/errors.ts';
import type { Trigger } from './core/glossary.ts';
import { STAGING } from './core/staging.ts';
import { mayTouchSource, type TenantRole } from './core/tenant-access.ts';
import { globalBackupJob } from './jobs/backup/global-backup.ts';
import { ensureRepository } from './jobs/init.ts';
import type { Job } from './jobs/job.ts';
import { asExport, plainBackupJob } from './jobs/backup/plain-backup.ts';
import { restoreFileJob } from './jobs/restore/restore-file.ts';
import type { Store } from './jobs/backup/store.ts';
import { tenantBackupJob } from './jobs/backup/tenant-backup.ts';
import type { Ledger } from './ledger/ledger.ts';
import { createCompressors } from './process/compress.ts';
import { isOnPath } from './process/on-path.ts';
import { createPlainFiles } from './repository/plain-files.ts';
import { filesOfSource } from './repository/plain-names.ts';
import { readDumpFile } from './repository/read-file.ts';
import { readPrelude } from './repository/read-prelude.ts';
import type { Repository } from './repository/repository.ts';
import type { RunOptions, RunReport, Runner } from './runner.ts';
import {
  createSourceWithoutProof,
  createTenantDumps,
  createTenants,
  type SourceDeps,
} from './sources/create.ts';
import { pathComponent } from './sources/repository-path.ts';
import { limitedTenants } from './sources/limited-tenants.ts';
import type { Owners, Source } from './sources/source.ts';
import { chooseTenants, requireTenant, type BackupPart } from './tenant-choice.ts';
import type { Upkeep } from './upkeep.ts';

/** Backups of parts of a source, and dumps that lie in plain files. */
export interface Parts {
  /**
   * Backs up a part of each source, or writes plain files in place of snapshots, and does the maintenance that follows from what was
   * stored. For no names: of all sources; of a part, those that have tenants.
   */
  backUp(
    names: string[],
    choice: { part: BackupPart | null; output: PlainOutput | null },
    options: RunOptions,
  ): Promise<RunReport[]>;
  /** Records that the backup of a group of a source's tenants, or of what belongs to none (null), was due and did not run, and why. */
  skip(
    due: { source: string; group: string | null },
    options: { trigger: Trigger; why: unknown },
  ): Promise<void>;
  /** Restores a dump in a plain file into a new database. */
  load(choice: LoadChoice & { source: Source }, options: RunOptions): Promise<RunReport[]>;
}

/** Plain files in place of snapshots. */
export interface PlainOutput {
  folder: string;
  /** How many of each name stay; null for all. */
  keep: number | null;
}

export interface LoadChoice {
  path: string;
  /** A new database; null for one with the time in its name. */
  to: string | null;
  /** Whose dump it is; null where it is not one tenant's. */
  tenant: string | null;
  expects: 'dump' | 'script';
  owners: Owners;
}

interface Deps {
  config: Config;
  clock: Clock;
  ledger: Ledger;
  repository: Repository;
  sourceDeps: SourceDeps;
  sources: Source[];
  runner: Runner;
  upkeep: Pick<Upkeep, 'afterBackup'>;
  /** Whose tenants alone are backed up; null for no limit. */
  role: TenantRole | null;
  /** Where compressors are looked for. */
  path: string;
}

/** One that hangs must not keep the others from their turn. */
const ALONE_SECONDS = 3600;

export function createParts(deps: Deps): Parts {
  const { config, sources, runner, upkeep } = deps;
  const jobs = createJobs(deps);
  const chosen = (names: string[], part: BackupPart | null) => {
    const all = pickByName(sources, names);
    const picked = all.filter(({ name }) => mayTouchSource(deps.role, name));
    // A run of it would fail, and be taken for a word on its tenants.
    if (deps.role !== null && (picked.length === 0 || new Set(names).size > picked.length))
      throw notItsSources(deps.role);
    if (part === null || names.length > 0) return picked;
    // Where none has tenants, the first one is told so.
    const having = picked.filter(({ name }) => tenantsIn(config, name) !== null);
    return having.length === 0 ? picked : having;
  };
  return {
    backUp: (names, choice, options) =>
      runner.run(jobs.backups(chosen(names, choice.part), choice), {
        ...options,
        ...(choice.output === null ? { next: (soFar) => upkeep.afterBackup(soFar) } : {}),
      }),
    skip: ({ source, group }, options) =>
      runner.skip(
        [
          group === null
            ? { name: 'global-backup', source }
            : { name: 'tenant-backup', source, facts: { group } },
        ],
        options,
      ),
    load: ({ source, ...choice }, options) => runner.run([jobs.load(source, choice)], options),
  };
}

function tenantsIn({ sources }: Config, name: string): TenantsConfig | null {
  const settings = sources.find((source) => source.name === name);
  return settings?.type === 'postgres' ? settings.tenants : null;
}

interface Jobs {
  /** One for each source. */
  backups(sources: Source[], choice: { part: BackupPart | null; output: PlainOutput | null }): Job[];
  load(source: Source, choice: LoadChoice): Job;
}

function createJobs(deps: Deps): Jobs {
  const { config, clock, sourceDeps } = deps;
  const { processes } = sourceDeps;
  const compressors = createCompressors((name) => isOnPath(name, deps.path));
  const timeoutMs = config.backupTimeoutSeconds * 1000;
  const settingsOf = ({ name }: Source): SourceConfig => {
    const settings = config.sources.find((candidate) => candidate.name === name);
    if (settings === undefined) throw new Error(`no configuration for ${name}`);
    return settings;
  };
  const tenantsOf = (settings: SourceConfig) => {
    const tenants = createTenants(settings, sourceDeps);
    const dumps = createTenantDumps(settings, sourceDeps);
    if (tenants === null || dumps === null) throw noTenants(settings.name);
    return { tenants, dumps };
  };
  const jobOf = (
    source: Source,
    part: BackupPart | null,
    { store, ensure, repository }: Destination,
  ): Job => {
    const settings = settingsOf(source);
    const { compression, allowIncomplete, listedIn } = settings;
    const common = { store, notes: deps.ledger, compression, timeoutMs };
    if (part === null) {
      const unproven = createSourceWithoutProof(settings, sourceDeps);
      return plainBackupJob(unproven, { ...common, allowIncomplete, listedIn });
    }
    const { tenants, dumps } = tenantsOf(settings);
    const own = tenantsIn(config, source.name);
    if (part.kind === 'global') {
      const findTenants = async (signal: AbortSignal) => (await tenants.find(signal)).tenants;
      return globalBackupJob(source, { ...common, ensure, dumps, findTenants, allowIncomplete, listedIn });
    }
    return tenantBackupJob(source, {
      ...common,
      ensure,
      dumps,
      choose: async (signal) => {
        const seen = await chooseTenants(limitedTenants(tenants, source.name, deps.role), part, signal);
        // What others have is not what all share.
        return deps.role === null ? seen : { ...seen, all: (await tenants.find(signal)).tenants };
      },
      set:
        // A set of a role's few would stand for that of all, and take its place in the retention.
        repository === null || part.kind === 'named' || deps.role !== null
          ? null
          : {
              repository,
              staging: join(sourceDeps.runtimeDir, STAGING),
              limitMs: (own?.timeoutSeconds ?? Infinity) * 1000,
            },
      proofs: repository !== null,
      now: () => clock.now(),
      onDemand: part.kind === 'named' || deps.role !== null,
      group: part.kind === 'group' ? part.name : null,
      atOnce: own?.jobs ?? 1,
      tenantTimeoutMs: Math.min(timeoutMs, (own?.timeoutSeconds ?? ALONE_SECONDS) * 1000),
    });
  };
  return {
    backups: (sources, { part, output }) =>
      sources.map((source) => {
        if (output === null) return jobOf(source, part, intoRepository(deps));
        const { keep, folder } = output;
        const spool = { directory: join(config.stateDir, 'spool'), maxBytes: config.spoolBytes };
        const called = { source: pathComponent(source.name), database: pathComponent(source.database) };
        const of = filesOfSource(called, settingsOf(source).type === 'postgres' ? withTenants(config) : []);
        const files = createPlainFiles({ processes, compressors, spool, folder, of, at: clock.now() });
        // A proof has no place beside a plain file, nor has a snapshot of many.
        const ensure = () => Promise.resolve({ id: null, created: false });
        const destination = { store: files, ensure, repository: null };
        const rotate = () => (keep === null ? Promise.resolve([]) : files.rotate(keep));
        return asExport(jobOf(source, part, destination), { rotate });
      }),
    load: (source, { path, to, tenant, expects, owners }) => {
      const settings = settingsOf(source);
      const at = clock.now().toISOString().replace(/\D/g, '').slice(0, 14);
      const read = (file: string, signal: AbortSignal) =>
        readDumpFile(file, { processes, compressors }, signal);
      return restoreFileJob(source, {
        path,
        preludePath: tenant === null ? null : preludeBeside(path),
        read,
        readPrelude: (file, signal) => readPrelude(file, (one) => read(one, signal)),
        target: { name: to ?? `${cut(settings.database)}_restored_${at}`, isGiven: to !== null },
        isPostgres: settings.type === 'postgres',
        expects,
        check: tenant === null ? null : requireTenant(tenantsOf(settings).tenants, tenant, path),
        owners,
        timeoutMs,
      });
    },
  };
}

function notItsSources({ name }: TenantRole): HoldfastError {
  return new HoldfastError('usage', `the role ${name} may touch no tenant of that source`, {
    hint: `\`holdfast tenants --as ${name}\` lists the tenants that it may touch.`,
  });
}

function noTenants(source: string): HoldfastError {
  return new HoldfastError('usage', `${source} has no tenants`, {
    hint: "Say which schemas are tenants: TENANT_SCHEMAS='tenant_*', or in the file tenants: {schemas: 'tenant_*'} of a PostgreSQL source (docs/tenants.md).",
  });
}

interface Destination {
  store: Store;
  /** Null where files are written in place of snapshots. */
  repository: Repository | null;
  ensure: (signal: AbortSignal) => Promise<{ id: string | null; created: boolean }>;
}

function intoRepository({ repository, ledger }: Deps): Destination {
  return {
    store: repository,
    repository,
    ensure: (signal) => ensureRepository(repository, ledger, signal, { create: true }),
  };
}

/** Sources of whose tenants there may be files, as components of a path. */
function withTenants({ sources }: Config): string[] {
  return sources.flatMap((one) =>
    one.type === 'postgres' && one.tenants !== null ? [pathComponent(one.name)] : [],
  );
}

function preludeBeside(path: string): string | null {
  const beside = path.replace(/\.dump(\.gz|\.zst)?$/, '.prelude.sql$1');
  return beside !== path && existsSync(beside) ? beside : null;
}

/** PostgreSQL cuts names after 63 bytes. */
function cut(database: string): string {
  return Buffer.from(database)
    .toString('utf8', 0, 36)
    .replace(/\uFFFD+$/, '');
}
