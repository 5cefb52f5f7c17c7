import type { JobName, RunResult, Trigger } from '../core/glossary.ts';

/** One execution of a job for one source, as the ledger keeps it. Times are UTC ISO 8601, sizes bytes. */
export interface Run {
  id: number;
  job: JobName;
  /** Null for jobs of the whole repository. */
  source: string | null;
  trigger: Trigger;
  startedAt: string;
  finishedAt: string | null;
  result: RunResult;
  /** One sentence part: why it ended so. Empty only while it runs. */
  reason: string;
  hint: string | null;
  warnings: string[];
  facts: RunFacts;
}

/** What a run has to tell beside its end; what does not apply is absent. */
export interface RunFacts {
  /** It only said what it would do. */
  dryRun?: true;
  engine?: string;
  serverVersion?: string;
  /** The repository that it went to. */
  repositoryId?: string;
  /** The dump itself. */
  snapshotId?: string;
  /** Every snapshot that the run stored. */
  snapshotIds?: string[];
  /** Plain bytes of the dump. */
  dumpBytes?: number;
  /** Bytes handed to the repository after compression. */
  storedBytes?: number;
  /** Bytes by which the repository grew. */
  addedBytes?: number;
  /** What the repository took on disk, measured by the run. */
  repositoryBytes?: number;
  /** Which part of the data a check read, and of how many. */
  checkedPart?: number;
  checkedOf?: number;
  /** When checks had last read all data, in parts or at once. */
  allDataReadAt?: string;
  /** Why the dump of a backup is suspect, as a sentence part; absent where it is not. It does not count until it is accepted. */
  suspect?: string;
  /** The backup that a person accepted although it was suspect: the id of its run. */
  acceptedRun?: number;
  /** How much the proof that is stored beside the dump says of each table's rows; `none`: there is no proof. */
  proof?: 'checksums' | 'counts' | 'none';
  /** Of a backup: whether its proof was read at the dump's own snapshot, or why a restore cannot be shown equal. */
  equality?: { proven: boolean; why: string | null };
  verification?: VerificationFacts;
  /** What the database takes on its server's disk, by the server's estimate: of a backup the source's, otherwise the restored one's. */
  databaseBytes?: number;
  /** The group of the configuration that was backed up by its schedule. */
  group?: string;
  /** Of a backup of tenants: whether all that there are were chosen. */
  allTenants?: boolean;
  /** What became of each tenant, in the order in which they were taken; of one that vanished, too. */
  tenants?: TenantFacts[];
  /** Of a verification of the whole database whose tenants have schemas: those that were in it, and share its verdict. */
  schemas?: string[];
  /** Of a verification of tenants: whether all of them had their turn to be chosen. */
  byTurns?: boolean;
  /** What came of each that was tried. */
  verifiedTenants?: TenantVerification[];
  /** Those that were not tried, by the reason. */
  tenantsLeft?: TenantsLeft[];
  tables?: number;
  rows?: number;
  snapshotsRemoved?: number;
  /** Bytes by which a prune made the repository smaller. */
  freedBytes?: number;
  /** Which ones, oldest first; in a dry run, those that would be. */
  removed?: RemovedSnapshot[];
  snapshotsKept?: number;
  /** A restore's: the dump of what was there before. */
  restorePointId?: string;
  /** A restore's: the roles of the server that it made. */
  createdRoles?: string[];
  /** A restore's: the name that the replaced database has since. */
  keptDatabase?: string;
  /** Of a restore tenant by tenant: what became of each, in the order in which they came. */
  tenantsBack?: TenantBackFacts[];
  /** The same's: how long it took until what belongs to no tenant was there. */
  sharedSeconds?: number;
  /** Of a restore of one tenant: the id of the tenant that it became. */
  tenant?: string;
  /** The same's: the name that the replaced schema has since. */
  keptSchema?: string;
}

/** What a verification found; kept of one that failed, too. */
export interface VerificationFacts {
  /**
   * `proved`: equal to what was in the source at the dump's own snapshot. `restored`: it came back, and equality is not proven.
   * `failed`: it did not come back, or not as it was. `not run`: it could not be tried.
   */
  verdict: 'proved' | 'restored' | 'failed' | 'not run';
  /** Why it is not proved, as a sentence part; null where it is. */
  why: string | null;
  /** How many tables have rows of which only samples were compared; left out for none. */
  sampledTables?: number;
  /** How long the restore took, the fetching among it: what a real one would take. Null where it was not restored whole. */
  restoreSeconds: number | null;
  steps: StepFacts[];
}

export interface TenantFacts {
  id: string;
  schema: string;
  /** `vanished`: its schema was there when the tenants were looked for and dropped since, which is nobody's fault. */
  result: 'succeeded' | 'failed' | 'vanished';
  /** Why it failed, as a sentence part; null where it did not. */
  why: string | null;
  /** Its dump; null where it was not stored. */
  snapshotId: string | null;
  dumpBytes: number;
  /** Bytes by which the repository grew for it. */
  addedBytes: number;
  seconds: number;
}

export interface TenantBackFacts {
  id: string;
  schema: string;
  result: 'succeeded' | 'failed';
  /** Why it did not come back, as a sentence part; null where it did. */
  why: string | null;
  tables: number;
  /** Since the restore began: from then on it could be used. */
  seconds: number;
}

export interface TenantVerification {
  id: string;
  schema: string;
  /** As of a verification; `not run`: what it showed says nothing of the tenant. */
  verdict: VerificationFacts['verdict'];
  /** Why it is not proved, as a sentence part; null where it is. */
  why: string | null;
  rows: number;
  /** What loading and comparing it took. */
  seconds: number;
}

export interface TenantsLeft {
  /** A sentence part. */
  why: string;
  tenants: { id: string; schema: string }[];
}

export interface StepFacts {
  step: 'fetch' | 'restore' | 'analyze' | 'compare' | 'examine' | 'queries';
  result: 'passed' | 'failed' | 'not run';
  seconds: number;
  /** What was found, or why it was not run; a sentence part. */
  detail: string;
}

/** As people name a snapshot. */
export interface RemovedSnapshot {
  shortId: string;
  time: string;
  source: string;
  path: string;
}

export type RunEnd = {
  result: Exclude<RunResult, 'running'>;
  reason: string;
  hint?: string | null;
  warnings?: string[];
  facts?: RunFacts;
};

export interface NewRun {
  job: JobName;
  source: string | null;
  trigger: Trigger;
  /** What is known of it already; stays of a run that nobody lived to end. */
  facts?: RunFacts;
}

export type SkipReason = Pick<RunEnd, 'reason' | 'hint'>;

/**
 * The agent's own record of runs: the one place where "last success" is known.
 * Writes are durable when the call returns; several processes may use one ledger at once.
 */
export interface Ledger {
  /** Records that a run starts and returns its id. */
  begin(run: NewRun): number;
  /** Ends a run, once, with all its facts; a second end of the same run throws. */
  finish(id: number, end: RunEnd): void;
  /** Records a run that was due and never began, and why; returns its id. Needs no lock. */
  skip(run: NewRun, why: SkipReason): number;
  /** The run with this id; null for none. */
  get(id: number): Run | null;
  /** The newest run of a job, by the order in which they began, not by clock; optionally only those that ended so. */
  last(job: JobName, source: string | null, result?: RunResult): Run | null;
  /** The earliest time at which a run began that was begun after the one with this id; null where there is none. */
  earliestStartAfter(id: number): string | null;
  /** When the last run began that was begun before the one with this id, and not later than at that time; null for none. */
  startBefore(id: number, latest: string): string | null;
  /** The oldest backup of a source that succeeded, in that repository as in `lastGood`. */
  firstBackup(source: string, inRepository: string | null): Run | null;
  /**
   * The newest backup of a source that counts: it succeeded, and it is not suspect, or a person accepted it. The one
   * place that knows; the heartbeat, the status, retention and the guard all ask here. Of those whose snapshot went into the
   * repository with this id, or of all for null; a run that says nothing of a repository is of an older agent, and counts.
   */
  lastGood(source: string, inRepository: string | null): Run | null;
  /** The newest of those that count whose equality is proven: its proof was read at the dump's own snapshot. */
  lastProven(source: string): Run | null;
  /** The backups of a source that succeeded and do not count: suspect, and nobody accepted them. Newest first, at most a thousand. */
  suspects(source: string): Run[];
  /** The backups that count, newest first, down to the newest one that a person accepted: what was before that is no measure any more. */
  comparable(source: string, limit: number): Run[];
  /** Newest first. */
  recent(filter: { job?: JobName; source?: string; result?: RunResult; limit: number }): Run[];
  /** The runs of a job for a group of a source's tenants, newest first, however many others there were since; for null those without a group. */
  ofGroup(job: JobName, source: string, group: string | null, limit: number): Run[];
  /** The runs of a job that began at that time or later, newest first, at most a thousand. A null source means the runs without one. */
  since(job: JobName, source: string | null, from: string): Run[];
  /** How many of the runs that began after the given run id succeeded. A null source means the runs without one, as in `last`. */
  countSucceededSince(job: JobName, source: string | null, afterId: number): number;
  /** Ends every run that a dead process left as `running`. Call only while holding the lock. */
  interruptLeftovers(reason: string): Run[];
  /** A small durable note of the agent itself: the repository's id, whether the password was confirmed. */
  remember(key: string, value: string): void;
  recall(key: string): string | null;
  /**
   * Writes a copy of the ledger as it is at this moment into a file that is not there yet: whole, and without the runs that are
   * going on, which nobody would ever end there.
   */
  copyTo(path: string): void;
  /** Closing twice is no error. */
  close(): void;
}
