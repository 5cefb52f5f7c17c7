import type { Compression, GapName } from '../core/glossary.ts';
import type { TenantRole } from '../core/tenant-access.ts';
import type { ProofLevel } from '../proof/proof.ts';

/** The effective configuration: what the environment form and the YAML form both become. Secrets are plain text here and nowhere else. */
export interface Config {
  /** The name of this server in the repository (restic's `--host`). */
  host: string;
  /** IANA name; the zone in which cron expressions are read. */
  timeZone: string;
  statusDir: string;
  stateDir: string;
  /** Its location is null where none is named, which only commands may do that use no repository. */
  repository: Omit<RepositoryConfig, 'location'> & { location: string | null };
  sources: SourceConfig[];
  /** Roles that may do with some tenants alone what there is to do with tenants. */
  access: TenantRole[];
  /** The one that commands act as; null for no limit. */
  role: string | null;
  schedule: { backup: string; verify: string };
  /** A scheduled verification begins no further source when this is over. Seconds. */
  verifyBudgetSeconds: number;
  /** Where throw-away servers keep their data while they last; null for a folder of the state folder. */
  throwawayDir: string | null;
  /** A check after every so many successful backups of all sources; 0 for never. */
  checkInterval: number;
  /** In which time checks read all data of the repository, a part each. Seconds; null: they read none. */
  checkCycleSeconds: number | null;
  /** How much of the data one check may read; null for no limit. */
  checkBytes: number | null;
  /** Whether old snapshots are removed at all; not where the repository is append-only. */
  retention: boolean;
  /** Whether a copy of the ledger is kept in the repository. */
  storeLedger: boolean;
  keep: KeepConfig;
  /** Less free space than this, for the repository or the state folder, is a warning; null for none. Bytes. */
  freeSpaceBytes: number | null;
  /** Bytes that the spool may take on disk while a repository stalls. */
  spoolBytes: number;
  /** A run that takes longer is ended. Seconds. */
  backupTimeoutSeconds: number;
  /** `holdfast status` calls a source stale whose last good backup is older. Seconds. */
  staleAfterSeconds: number;
  log: { level: 'debug' | 'info' | 'warn' | 'error' };
  /** Sentence parts that a person should see: settings of the environment that the file overrules, misspelt variables. */
  warnings: string[];
}

export interface KeepConfig {
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** Everything younger is kept, as restic writes a calendar time (`2d`, `36h`); null for none. */
  within: string | null;
}

export interface RepositoryConfig {
  /** As restic has it. May hold a password (`rest:https://user:pw@…`): never show it unmasked. */
  location: string;
  /** Null: generated at the first start and kept in the state folder. */
  password: string | null;
  cacheDir: string | null;
  /** Further variables for restic alone (AWS_*, B2_*, RESTIC_REST_*, …). */
  environment: Record<string, string>;
  /** Seconds that a repository may take to answer before it counts as unreachable. */
  answerTimeoutSeconds: number;
  /** How long a lock of somebody else is waited for. Seconds. */
  lockWaitSeconds: number;
  /** restic binary. */
  restic: string;
}

export type SourceConfig = MysqlSourceConfig | PostgresSourceConfig;

interface SourceConfigBase {
  /** Unique. Anything without control characters: a source that is not named is named after its database. */
  name: string;
  /** The file that lists it; null where the environment describes it. Hints name the place to change. */
  listedIn: string | null;
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** Certificate authorities that a verified connection trusts; null for the system's. */
  caFile: string | null;
  compression: Compression;
  /** Whether the gate waits for this source. */
  gates: boolean;
  /** What a dump is held against before it counts: its usual size and its tables, its size alone, nothing. */
  guard: 'tables' | 'size' | 'off';
  /** What is read of every table beside the dump, so that a restore can be compared with it. */
  proof: ProofLevel;
  /** Of a table that takes more bytes, samples are read in place of all rows; null for no limit. */
  proofLimitBytes: number | null;
  /** What is kept of it; null for what is kept of every source. */
  keep: KeepConfig | null;
  /** Gaps that are accepted by name: a backup without them is done with warnings. */
  allowIncomplete: GapName[];
  verify: SourceVerification;
  objectives: Objectives;
}

export interface SourceVerification {
  /** Where scratch databases are made: the server beside the source, one that is started for it; null for the source's own. */
  server: SourceConfig | 'throw-away' | null;
  queries: QueryConfig[];
}

/** A question to what was restored, and what is expected: the first value as text, or a number of rows. */
export interface QueryConfig {
  sql: string;
  value?: string | null;
  rows?: { min: number; max: number | null };
}

/** What the operator wants to be able to say; null for nothing. Seconds. */
export interface Objectives {
  /** So much data may be lost: the age of the last good backup. */
  rpoSeconds: number | null;
  /** So long may a restore take. */
  rtoSeconds: number | null;
}

export interface MysqlSourceConfig extends SourceConfigBase {
  type: 'mysql';
  /** `preferred`: TLS where the server has it, certificate unverified. `verify`: TLS and a valid certificate or nothing. */
  tls: 'off' | 'preferred' | 'required' | 'verify';
}

export interface PostgresSourceConfig extends SourceConfigBase {
  type: 'postgres';
  /** libpq's sslmode. */
  sslMode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** What a dump of everything is: one archive that is streamed, or a folder of files that is staged on disk, written by several connections. */
  format: 'custom' | 'directory';
  /** How many connections dump, or restore, a folder. */
  jobs: number;
  /** Which of its schemas are tenants; null where it has none. */
  tenants: TenantsConfig | null;
}

/** A database with a schema for each tenant, and what all share in others. */
export interface TenantsConfig {
  found: TenantsBy;
  /** How many tenants are dumped at once. */
  jobs: number;
  /** One whose dump takes longer is ended, and the others go on. Seconds; null: an hour where it is dumped alone, no limit of its own in one pass over all. */
  timeoutSeconds: number | null;
  /** What is kept of the dumps of tenants alone; null for what is kept of the source. */
  keep: KeepConfig | null;
  /** Patterns of ids or schemas: tenants that match an earlier one come first, those that match none last. */
  priority: string[];
  /** A cron expression for backups of what belongs to no tenant; null for none beside those of the whole database. */
  globalSchedule: string | null;
  /** A tenant is in the first that it matches. */
  groups: TenantGroupConfig[];
  /** How tenants are verified by turns; null: only with the whole database. */
  verify: TenantTurnsConfig | null;
  /** A statement that is run in the transaction that puts a restored tenant in place, with the tenant's id as $1; null for none. */
  afterRestore: string | null;
}

export interface TenantTurnsConfig {
  /** A tenant whose last proof is older is overdue. Seconds; null for no such limit. */
  everySeconds: number | null;
  /** A scheduled run begins no further pass when this is over. Seconds. */
  budgetSeconds: number;
  /** A cron expression. */
  schedule: string;
}

export type TenantsBy =
  /** `*` any characters, `?` one; what stands for the wildcards is the tenant's id. */
  | { kind: 'schemas'; pattern: string }
  /** Gives id, schema_name and, where it wants to, active. */
  | { kind: 'query'; sql: string };

export interface TenantGroupConfig {
  name: string;
  /** Patterns of ids or schemas. */
  match: string[];
  /** A cron expression for backups of these tenants alone; null for none beside those of the whole database. */
  schedule: string | null;
  /** What is kept of those; null for what is kept of everything. */
  keep: KeepConfig | null;
}
