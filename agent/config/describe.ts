import type { Config, KeepConfig, SourceConfig, TenantsConfig } from './config.ts';
import { isSecretName, maskUrls, secretInUrl, secretsInEnvironment } from '../core/secret-names.ts';
import { yamlLibrary } from './yaml-library.ts';

/**
 * The effective configuration with the keys of the file form and every default filled in; secrets are `***`, in URLs too.
 * Stable: `holdfast config --json` prints it.
 */
export function describeConfig(config: Config): Record<string, unknown> {
  const { repository } = config;
  return {
    host: config.host,
    timezone: config.timeZone,
    status_dir: config.statusDir,
    state_dir: config.stateDir,
    repository: {
      location: repository.location === null ? null : maskUrls(repository.location),
      password: repository.password === null ? 'generated, kept in the state folder' : MASK,
      cache_dir: repository.cacheDir,
      answer_timeout: repository.answerTimeoutSeconds,
      lock_wait: repository.lockWaitSeconds,
      restic: repository.restic,
      environment: maskedEnvironment(repository.environment),
    },
    schedule: config.schedule,
    verify: { budget: config.verifyBudgetSeconds, folder: config.throwawayDir },
    check_interval: config.checkInterval,
    check_cycle: config.checkCycleSeconds ?? 0,
    check_bytes: config.checkBytes ?? 0,
    retention: config.retention ? 'on' : 'off',
    store_ledger: config.storeLedger ? 'on' : 'off',
    keep: described(config.keep),
    sources: config.sources.map(describeSource),
    access: config.access.map(({ name, sources, tenants }) => ({ role: name, sources, tenants })),
    ...(config.role === null ? {} : { role: config.role }),
    free_space: config.freeSpaceBytes ?? 0,
    spool_bytes: config.spoolBytes,
    backup_timeout: config.backupTimeoutSeconds,
    stale_after: config.staleAfterSeconds,
    log_level: config.log.level,
  };
}

/** The same as YAML, for people. */
export function configText(config: Config): string {
  return yamlLibrary().stringify(describeConfig(config), { lineWidth: 0 });
}

/** Every secret of the configuration in plain text, to be masked in whatever is printed; short ones too. */
export function secretsOf(config: Config): string[] {
  const { repository, sources } = config;
  const inUrl = secretInUrl(repository.location ?? '');
  const servers = sources.flatMap(({ verify }) =>
    verify.server === null || verify.server === 'throw-away' ? [] : [verify.server],
  );
  const all = [
    repository.password,
    inUrl,
    ...secretsInEnvironment(repository.environment),
    ...[...sources, ...servers].map((source) => source.password),
  ];
  return [...new Set(all)].filter((secret) => typeof secret === 'string' && secret !== '') as string[];
}

const MASK = '***';

function describeSource(source: SourceConfig): Record<string, unknown> {
  return {
    name: source.name,
    type: source.type,
    host: source.host,
    port: source.port,
    database: source.database,
    user: source.user,
    password: source.password === '' ? '' : MASK,
    ...(source.type === 'mysql'
      ? { tls: source.tls, tls_ca: source.caFile }
      : { sslmode: source.sslMode, sslrootcert: source.caFile }),
    compression: source.compression,
    guard: source.guard,
    proof: source.proof,
    proof_limit: source.proofLimitBytes ?? 0,
    ...(source.keep === null ? {} : { keep: described(source.keep) }),
    gates: source.gates,
    allow_incomplete: source.allowIncomplete,
    verify: { server: urlOf(source.verify.server), queries: source.verify.queries },
    objectives: { rpo: source.objectives.rpoSeconds, rto: source.objectives.rtoSeconds },
    ...(source.type === 'postgres' ? { format: source.format, jobs: source.jobs } : {}),
    ...(source.type === 'postgres' && source.tenants !== null
      ? { tenants: describeTenants(source.tenants) }
      : {}),
  };
}

function described(keep: KeepConfig): Record<string, unknown> {
  return { ...keep, within: keep.within ?? '0' };
}

function describeTenants(tenants: TenantsConfig): Record<string, unknown> {
  const { found } = tenants;
  return {
    ...(found.kind === 'schemas' ? { schemas: found.pattern } : { query: found.sql }),
    jobs: tenants.jobs,
    ...(tenants.timeoutSeconds === null ? {} : { timeout: tenants.timeoutSeconds }),
    ...(tenants.keep === null ? {} : { keep: described(tenants.keep) }),
    priority: tenants.priority,
    ...(tenants.verify === null
      ? {}
      : {
          verify: {
            every: tenants.verify.everySeconds ?? 0,
            budget: tenants.verify.budgetSeconds,
            schedule: tenants.verify.schedule,
          },
        }),
    ...(tenants.globalSchedule === null ? {} : { global: { schedule: tenants.globalSchedule } }),
    groups: tenants.groups.map(({ name, match, schedule, keep }) => ({
      name,
      match,
      ...(schedule === null ? {} : { schedule }),
      ...(keep === null ? {} : { keep: described(keep) }),
    })),
    ...(tenants.afterRestore === null ? {} : { after_restore: tenants.afterRestore }),
  };
}

/** As people wrote it, without the password. */
function urlOf(server: SourceConfig['verify']['server']): string | null {
  if (server === null || server === 'throw-away') return server;
  const { user, host, port, database } = server;
  const scheme = server.type === 'postgres' ? 'postgresql' : 'mysql';
  return `${scheme}://${encodeURIComponent(user)}:${MASK}@${host}:${port}/${encodeURIComponent(database)}`;
}

function maskedEnvironment(environment: Record<string, string>): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSecretName(name) ? MASK : maskUrls(value)]),
  );
}
