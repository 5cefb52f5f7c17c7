/**
 * The words of this program. One word for one thing, in config, code, CLI, logs and documentation alike.
 *
 * - source: something that can be backed up
 * - tenant: one customer's schema in a PostgreSQL database that has one for each; known by its id
 * - dump: the byte stream that a source gives
 * - part: one file of a backup (the dump itself; for PostgreSQL also the globals beside it)
 * - repository: a restic repository
 * - snapshot: one restic snapshot of one part
 * - job: a named verb with a schedule
 * - run: one execution of a job for one source; it always ends with a result and a reason
 * - ledger: the agent's own database of runs, the one place where "last success" is known
 * - proof: what was in the source at the dump's own snapshot
 * - verification: a restore into a scratch database, compared with the proof
 * - suspect: of a backup that is stored and does not count, because it is so much smaller than the ones before
 * - restore point: a dump of the target as it was before a restore overwrote it
 * - swap: a restored database takes the place of the old one by renaming
 * - heartbeat: the files that the agent leaves for the sentinel
 * - override: a person's order to hold the gate open or closed for a while, whatever the verdict
 */

/** What answers at the other end. MySQL and MariaDB share a protocol and little else. */
export type Engine = 'mysql' | 'mariadb' | 'postgres';

/**
 * `gate` and `accept` stand for what a person said, which has no schedule and is over at once: an override of the gate, and
 * that a backup is right although it is suspect. `export` writes plain files beside the repository.
 */
export type JobName =
  | 'backup'
  | 'global-backup'
  | 'tenant-backup'
  | 'retention'
  | 'check'
  | 'verify'
  | 'tenant-verify'
  | 'restore'
  | 'export'
  | 'repair'
  | 'ledger'
  | 'gate'
  | 'accept';

/** The jobs that store dumps; only the first is one of everything, and moves the heartbeat. */
export const BACKUP_JOBS = ['backup', 'global-backup', 'tenant-backup'] as const;

/** How a run ended; `running` until it did. */
export type RunResult = 'running' | 'succeeded' | 'failed' | 'interrupted' | 'skipped';

/** Who asked for a run: the schedule, the start after a missed one, or a person at a command line. */
export type Trigger = 'schedule' | 'catch-up' | 'command';

/**
 * What a backup user may not see, or what a backup would be without. Each is a name that
 * `allow_incomplete` in the configuration accepts; nothing else may be left out of a dump.
 */
export const GAP_NAMES = [
  'empty',
  'events',
  'large_objects',
  'role_passwords',
  'routines',
  'row_security',
  'subscriptions',
  'tables',
  'triggers',
  'user_mappings',
  'views',
] as const;
export type GapName = (typeof GAP_NAMES)[number];

export type Compression = 'gzip' | 'zstd' | 'none';

/**
 * Which file of a backup a snapshot holds. `dump`, `globals` and `proof` make a backup of the whole database, `global` and `global-roles`
 * one of what belongs to no tenant, `tenant-set` one of many tenants, `tenant`, `tenant-prelude` and `tenant-proof` one of a tenant, which
 * is `on-demand` where a person asked for it.
 */
export const PART_KINDS = [
  'dump',
  'globals',
  'proof',
  'ledger',
  'restore-point',
  'global',
  'global-roles',
  'tenant',
  'tenant-prelude',
  'tenant-proof',
  'tenant-set',
  'on-demand',
  'on-demand-prelude',
  'on-demand-proof',
] as const;
export type PartKind = (typeof PART_KINDS)[number];

/** Of a tenant's own backups: by schedule or of all tenants, and of tenants that somebody named. */
export const TENANT_KINDS: readonly PartKind[] = ['tenant', 'tenant-prelude', 'tenant-proof', 'tenant-set'];
export const ON_DEMAND_KINDS: readonly PartKind[] = ['on-demand', 'on-demand-prelude', 'on-demand-proof'];
/** Those that the configuration's `keep` counts, of a source as a whole. */
export const COUNTED_KINDS = PART_KINDS.filter(
  (kind) => ![...TENANT_KINDS, ...ON_DEMAND_KINDS, 'restore-point'].includes(kind),
);
