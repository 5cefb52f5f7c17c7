import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { MysqlSourceConfig, PostgresSourceConfig, TenantsConfig } from '../../agent/config/config.ts';
import { createProcesses, type Processes } from '../../agent/process/run.ts';
import { loadEngines } from '../../agent/sources/engines.ts';
import type { Dump, DumpFacts } from '../../agent/sources/source.ts';
import { temporaryFolder } from './folder.ts';

/** Programs as the agent starts them, with nothing of this process's environment but the PATH. */
export function testProcesses(): Processes {
  return createProcesses({ PATH: process.env.PATH ?? '', HOME: tmpdir(), LANG: 'C.UTF-8' });
}

const engines = await loadEngines([{ type: 'mysql' }, { type: 'postgres' }]);

/** With a folder for option files; one of the test's own unless told otherwise. */
export function testDeps(runtimeDir = temporaryFolder()) {
  mkdirSync(runtimeDir, { recursive: true });
  return { processes: testProcesses(), runtimeDir, engines };
}

const BASE = {
  name: 'shop',
  listedIn: null,
  host: '127.0.0.1',
  caFile: null,
  compression: 'none',
  gates: true,
  guard: 'tables',
  proof: 'checksums',
  proofLimitBytes: null,
  keep: null,
  allowIncomplete: [],
  verify: { server: null, queries: [] },
  objectives: { rpoSeconds: null, rtoSeconds: null },
} as const;

export function mysqlConfig(more: Partial<MysqlSourceConfig>): MysqlSourceConfig {
  return {
    ...BASE,
    allowIncomplete: [],
    verify: { server: null, queries: [] },
    type: 'mysql',
    port: 3306,
    database: 'shop',
    user: 'boss',
    password: 'bosspw',
    tls: 'preferred',
    ...more,
  };
}

export function postgresConfig(more: Partial<PostgresSourceConfig>): PostgresSourceConfig {
  return {
    ...BASE,
    allowIncomplete: [],
    verify: { server: null, queries: [] },
    type: 'postgres',
    port: 5432,
    database: 'shop',
    user: 'boss',
    password: 'bosspw',
    sslMode: 'prefer',
    format: 'custom',
    jobs: 4,
    tenants: null,
    ...more,
  };
}

/** Reads a dump to its end and waits for its word. */
export async function readDump(dump: Dump): Promise<{ bytes: Buffer; facts: DumpFacts }> {
  const chunks: Buffer[] = [];
  for await (const chunk of dump.stream) chunks.push(chunk);
  return { facts: await dump.done, bytes: Buffer.concat(chunks) };
}

export async function* streamOf(...pieces: (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

/** Tenants that are found by their schemas, `tenant_*`. */
export function tenantsByPattern(more: Partial<TenantsConfig> = {}): TenantsConfig {
  return {
    found: { kind: 'schemas', pattern: 'tenant_*' },
    jobs: 2,
    timeoutSeconds: 60,
    keep: null,
    priority: [],
    globalSchedule: null,
    groups: [],
    verify: null,
    afterRestore: null,
    ...more,
  };
}
