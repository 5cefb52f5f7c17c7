import type { core } from 'zod';
import type { Config, QueryConfig, SourceConfig, TenantsConfig } from './config.ts';
import type { Path, Problem } from './problems.ts';
import { shown } from './problems.ts';
import { isGroup, valueAt } from './raw.ts';
import type { Raw } from './raw.ts';
import { STAND_IN } from './resolve.ts';
import { keep, schema } from './schema.ts';
import type { ParsedConfig } from './schema.ts';
import { settingAt } from './settings.ts';
import { serverOf, unfitServers } from './verify-server.ts';

/**
 * Holds the settings against the schema and each other; adds what is wrong to `problems` and returns null then.
 * `listedIn`: the file that lists the sources; null where the environment describes the one. `withoutRepository`: none need be named.
 */
export function checked(
  raw: Raw,
  problems: Problem[],
  listedIn: string | null,
  { withoutRepository = false }: { withoutRepository?: boolean } = {},
): Omit<Config, 'warnings'> | null {
  // A group that is not there at all must not hide which of its settings are missing.
  const result = schema.safeParse({ repository: {}, ...raw });
  if (!withoutRepository) problems.push(...noLocation(raw));
  if (!result.success) problems.push(...result.error.issues.flatMap((issue) => problemsOf(issue, raw)));
  // These look at several settings at once. They run on what was written, so that they speak up beside the schema.
  problems.push(
    ...sameNames(raw),
    ...foundTwice(raw),
    ...nothingKept(raw),
    ...unfitServers(raw),
    ...unknownRole(raw),
  );
  return result.success ? toConfig(result.data, listedIn) : null;
}

function problemsOf(issue: core.$ZodIssue, raw: Raw): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    const ofSource = issue.path.length === 2 && issue.path[0] === 'sources';
    return issue.keys.map((key, i) => ({
      path: [...issue.path, key],
      message: `is ${ofSource && key === 'tenants' ? 'for PostgreSQL alone' : (messages[i] ?? 'no setting')}`,
      atKey: true,
    }));
  }
  const value = valueAt(raw, issue.path);
  const right = `it must be ${issue.message}`;
  if (value === undefined) {
    const text = issue.code === 'invalid_type' && issue.expected === 'string';
    return [{ path: issue.path, message: text ? 'is missing' : `is missing; ${right}` }];
  }
  if (isSecret(issue.path)) return [{ path: issue.path, message: `is not right; ${right}` }];
  return [{ path: issue.path, message: `is ${toldOf(value)}; ${right}` }];
}

function toldOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isGroup(value) ? 'a group' : shown(value);
}

function isSecret(path: readonly PropertyKey[]): boolean {
  return settingAt(path)?.secret === true || path[1] === 'environment' || path.at(-1) === 'password';
}

function sameNames(raw: Raw): Problem[] {
  const sources: unknown[] = Array.isArray(raw['sources']) ? raw['sources'] : [];
  const names = sources.map((source) =>
    isGroup(source) ? (source['name'] ?? source['database']) : undefined,
  );
  return names.flatMap((name, i) => {
    const first = names.indexOf(name);
    if (typeof name !== 'string' || name === STAND_IN || first === i) return [];
    const key = isGroup(sources[i]) && 'name' in sources[i] ? 'name' : 'database';
    const message = `is ${shown(name)}, the name of sources[${first}] too; give each source a name of its own (name: …)`;
    return [{ path: ['sources', i, key], message }];
  });
}

/** Tenants by a pattern and by a query: neither is the better guess. */
function foundTwice(raw: Raw): Problem[] {
  return listAt(raw, ['sources']).flatMap((source, i) => {
    const tenants = isGroup(source) ? source['tenants'] : undefined;
    if (!isGroup(tenants) || tenants['schemas'] === undefined || tenants['query'] === undefined) return [];
    const message = 'is set, and so is a pattern (schemas, TENANT_SCHEMAS): remove one of the two';
    return [{ path: ['sources', i, 'tenants', 'query'], message }];
  });
}

/** A command that takes it for no limit would do what it may not. */
function unknownRole(raw: Raw): Problem[] {
  const role = raw['role'];
  if (typeof role !== 'string') return [];
  const access: unknown[] = Array.isArray(raw['access']) ? raw['access'] : [];
  const roles = access.flatMap((one) =>
    isGroup(one) && typeof one['role'] === 'string' ? [one['role']] : [],
  );
  if (roles.includes(role)) return [];
  const there = roles.length === 0 ? 'access lists none' : `access lists ${roles.join(', ')}`;
  return [{ path: ['role'], message: `is ${shown(role)}, and there is no such role: ${there}` }];
}

function noLocation({ repository = {} }: Raw): Problem[] {
  if (!isGroup(repository) || repository['location'] !== undefined) return [];
  return [{ path: ['repository', 'location'], message: 'is missing' }];
}

function nothingKept(raw: Raw): Problem[] {
  if (raw['retention'] === 'off') return [];
  const sources = listAt(raw, ['sources']).map((_, i): Path => ['sources', i]);
  const tenants = sources.map((source): Path => [...source, 'tenants']);
  const groups = tenants.flatMap((one) =>
    listAt(raw, [...one, 'groups']).map((_, i): Path => [...one, 'groups', i]),
  );
  const own = [...sources, ...tenants, ...groups].map((path): Path => [...path, 'keep']);
  return [
    ...keepsNothing(raw['keep'] ?? {}, ['keep']),
    ...own.flatMap((path) => {
      const given = valueAt(raw, path);
      return given === undefined ? [] : keepsNothing(given, path);
    }),
  ];
}

function listAt(raw: Raw, path: Path): unknown[] {
  const value = valueAt(raw, path);
  return Array.isArray(value) ? value : [];
}

function keepsNothing(given: unknown, path: Path): Problem[] {
  const parsed = keep.safeParse(given);
  if (!parsed.success) return [];
  const { within, ...counts } = parsed.data;
  // Who sets every count to 0 and does not speak of the last days rarely means to have no more than those.
  const asked = isGroup(given) && given['within'] !== undefined && within !== null;
  if (asked || Object.values(counts).some((count) => count > 0)) return [];
  const message =
    'keeps nothing; at least one of daily, weekly, monthly and yearly must be more than 0, or within set; to keep everything, switch retention off';
  return [{ path, message }];
}

function toConfig(parsed: ParsedConfig, listedIn: string | null): Omit<Config, 'warnings'> {
  const { repository } = parsed;
  return {
    host: parsed.host,
    timeZone: parsed.timezone,
    statusDir: parsed.status_dir,
    stateDir: parsed.state_dir,
    repository: {
      location: repository.location ?? null,
      password: repository.password ?? null,
      cacheDir: repository.cache_dir ?? null,
      environment: repository.environment,
      answerTimeoutSeconds: repository.answer_timeout,
      lockWaitSeconds: repository.lock_wait,
      restic: repository.restic,
    },
    sources: parsed.sources.map((source) => toSource(source, listedIn)),
    access: parsed.access.map(({ role: name, sources, tenants }) => ({ name, sources, tenants })),
    role: parsed.role ?? null,
    schedule: parsed.schedule,
    verifyBudgetSeconds: parsed.verify.budget,
    throwawayDir: parsed.verify.folder ?? null,
    checkInterval: parsed.check_interval,
    checkCycleSeconds: parsed.check_cycle,
    checkBytes: parsed.check_bytes,
    retention: parsed.retention === 'on',
    storeLedger: parsed.store_ledger === 'on',
    keep: parsed.keep,
    freeSpaceBytes: parsed.free_space,
    spoolBytes: parsed.spool_bytes,
    backupTimeoutSeconds: parsed.backup_timeout,
    staleAfterSeconds: parsed.stale_after,
    log: { level: parsed.log_level },
  };
}

function toSource(source: ParsedConfig['sources'][number], listedIn: string | null): SourceConfig {
  const { name, host, port, database, user, password, compression, gates, allow_incomplete } = source;
  const { guard, proof, proof_limit: proofLimitBytes } = source;
  const base = {
    name: name ?? database,
    listedIn,
    host,
    port,
    database,
    user,
    password,
    compression,
    gates,
    guard,
    proof,
    proofLimitBytes,
    keep: source.keep ?? null,
  };
  const common = {
    ...base,
    allowIncomplete: allow_incomplete,
    verify: { server: null, queries: source.verify.queries.map(toQuery) },
    objectives: {
      rpoSeconds: source.objectives.rpo ?? null,
      rtoSeconds: source.objectives.rto ?? null,
    },
  };
  const made: SourceConfig =
    source.type === 'postgres'
      ? {
          type: 'postgres',
          ...common,
          sslMode: source.sslmode,
          caFile: source.sslrootcert ?? null,
          format: source.format,
          jobs: source.jobs,
          tenants: source.tenants === undefined ? null : toTenants(source.tenants),
        }
      : { type: 'mysql', ...common, tls: source.tls, caFile: source.tls_ca ?? null };
  const { server } = source.verify;
  return server === undefined
    ? made
    : { ...made, verify: { ...made.verify, server: serverOf(made, server) } };
}

/** What is not expected is absent. */
function toQuery({ sql, value, rows }: ParsedQuery): QueryConfig {
  return { sql, ...(value === undefined ? {} : { value }), ...(rows === undefined ? {} : { rows }) };
}

function toTenants({
  schemas,
  query,
  groups,
  global,
  timeout,
  keep: kept,
  verify,
  after_restore,
  ...same
}: ParsedTenants): TenantsConfig {
  return {
    ...same,
    found:
      schemas === undefined ? { kind: 'query', sql: query ?? '' } : { kind: 'schemas', pattern: schemas },
    verify:
      verify === undefined
        ? null
        : { everySeconds: verify.every, budgetSeconds: verify.budget, schedule: verify.schedule },
    timeoutSeconds: timeout ?? null,
    keep: kept ?? null,
    globalSchedule: global?.schedule ?? null,
    groups: groups.map(({ name, match, schedule, keep: ofGroup }) => ({
      name,
      match,
      schedule: schedule ?? null,
      keep: ofGroup ?? null,
    })),
    afterRestore: after_restore ?? null,
  };
}

type ParsedTenants = NonNullable<Extract<ParsedConfig['sources'][number], { type: 'postgres' }>['tenants']>;
type ParsedQuery = ParsedConfig['sources'][number]['verify']['queries'][number];
