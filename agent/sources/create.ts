import type { SourceConfig } from '../config/config.ts';
import type { Processes } from '../process/run.ts';
import type { Engines } from './engines.ts';
import type { Source } from './source.ts';
import type { TenantDumps } from './tenant-dumps.ts';
import type { Tenants } from './tenants.ts';
import { DEFAULT_TOOLS, type ClientDeps, type Tools } from './tools.ts';

export interface SourceDeps {
  processes: Processes;
  /** Those of all sources that are made with it. */
  engines: Engines;
  /** Where the database's own programs are; the image's layout when left out. */
  tools?: Partial<Tools>;
  /** A folder for option files and password files, best on memory. Made (0700) when it is not there. */
  runtimeDir: string;
  /** A dump client that gives no byte for so long is ended; ten minutes when left out. */
  idleTimeoutMs?: number;
}

const IDLE_TIMEOUT_MS = 10 * 60_000;

/** The source that a configuration describes. Touches nothing: the first `probe` does. */
export function createSource(config: SourceConfig, deps: SourceDeps): Source {
  const all = toolsFor(config, deps);
  return config.type === 'mysql'
    ? loaded(deps.engines.mysql).createMysqlSource(config, all)
    : loaded(deps.engines.postgres).createPostgresSource(config, all);
}

/** The same where nobody keeps a proof: none is read beside its dumps. */
export function createSourceWithoutProof(config: SourceConfig, deps: SourceDeps): Source {
  return createSource({ ...config, proof: 'none' }, deps);
}

/** Of each source the tenants, by its name; null for one without. */
export function tenantsByName(
  { sources }: { sources: SourceConfig[] },
  deps: SourceDeps,
): Map<string, Tenants | null> {
  return new Map(sources.map((source) => [source.name, createTenants(source, deps)]));
}

/** The tenants of the source that a configuration describes; null where it has none. Touches nothing. */
export function createTenants(config: SourceConfig, deps: SourceDeps): Tenants | null {
  if (config.type === 'mysql' || config.tenants === null) return null;
  return loaded(deps.engines.postgres).createPostgresTenants(config, config.tenants, toolsFor(config, deps));
}

/** Dumps of parts of the database that a configuration describes; null where it has no tenants. Touches nothing. */
export function createTenantDumps(config: SourceConfig, deps: SourceDeps): TenantDumps | null {
  if (config.type === 'mysql' || config.tenants === null) return null;
  return loaded(deps.engines.postgres).createTenantDumps(config, toolsFor(config, deps));
}

function loaded<E>(engine: E | null): E {
  if (engine === null) throw new Error('an engine is asked for that was not loaded');
  return engine;
}

function toolsFor(config: SourceConfig, deps: SourceDeps): ClientDeps {
  return {
    ...deps,
    tools: {
      ...DEFAULT_TOOLS,
      ...deps.tools,
      ...(config.caFile === null ? {} : { caFile: config.caFile }),
    },
    idleTimeoutMs: deps.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
  };
}

/**
 * The same for a dump of whatever is left of a damaged database: that it is empty or that a view cannot be dumped does not
 * refuse it, and no proof is taken. Whoever uses it asks the probe which of both is meant.
 */
export function createSourceAsItIs(config: SourceConfig, deps: SourceDeps): Source {
  const allowIncomplete = [...new Set([...config.allowIncomplete, 'empty' as const, 'views' as const])];
  return createSource({ ...config, allowIncomplete, proof: 'none' }, deps);
}
