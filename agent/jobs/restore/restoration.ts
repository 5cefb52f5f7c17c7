import type { Compression, GapName } from '../../core/glossary.ts';
import type { Ledger, RunFacts } from '../../ledger/ledger.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { Lacking } from '../../sources/roles.ts';
import type { Owners, Source } from '../../sources/source.ts';
import type { Tenants } from '../../sources/tenants.ts';
import type { Size } from '../size-up.ts';
import type { Wanted } from '../find-snapshot.ts';
import type { TenantInRepository } from '../find-tenant-dump.ts';
import type { Notes } from '../init.ts';
import type { JobContext } from '../job.ts';

export type RestoreTarget =
  /** The source's own database: made where it is gone, replaced where it is there. */
  { kind: 'overwrite' } | { kind: 'new-database'; name: string };

export interface RestoreSettings {
  repository: Repository;
  /** What the agent must know after it was killed. */
  notes: Notes;
  /** For what earlier runs took. */
  ledger: Pick<Ledger, 'recent' | 'last' | 'suspects'>;
  now: () => Date;
  /** The configured host: part of the name of the database beside the target. */
  host: string;
  wanted: Wanted;
  target: RestoreTarget;
  /** These tables alone, as a person names them; null for everything. */
  tables: string[] | null;
  /** The tenant whose they are: of no other schema is any chosen, or named. Null for any. */
  ofTenant: Omit<TenantInRepository, 'source'> | null;
  /** Into a new database tenant by tenant, these being the tenants; null for all at once. */
  byTenant: Tenants | null;
  owners: Owners;
  /** Whether roles that the dump names and the server has not are made, out of the globals beside the dump; otherwise they refuse it. */
  createRoles: boolean;
  /** Whether the target is stored as it is before it is overwritten. */
  restorePoint: boolean;
  /** Whether the target may be emptied and loaded where it can be replaced neither at one moment nor in one transaction. */
  inPlace: boolean;
  /** Whether it may be replaced although what came back could not be compared with its proof. */
  unverified: boolean;
  /** The source for a dump of whatever is left of it: an empty database or a damaged view is no gap, and no proof is taken. */
  asItIs: Source;
  /** Of the restore point, and which gaps it may have: as a backup. */
  compression: Compression;
  allowIncomplete: GapName[];
  listedIn: string | null;
  /** Warns of what is to be known before it begins. */
  tell: (what: string) => void;
  /** Only says what would happen. */
  dryRun: boolean;
  timeoutMs: number;
}

/** What is known of a restore before anything of it is done. */
export interface Planned {
  source: Source;
  snapshot: Snapshot;
  /** Why it is the newest although another one bears a later time; null for nothing. */
  note: string | null;
  size: Size;
  /** As the dump names them; null for everything. */
  tables: string[] | null;
  /** The tables that hold the rows of those: their partitions come along. Empty for everything. */
  rowsIn: string[];
  settings: RestoreSettings;
  context: JobContext;
}

/** What the dump says of its database as a whole, for a new one. */
export type Dumped = Pick<Lacking, 'traits' | 'made' | 'unlike'>;

/** What the steps of one restore share. */
export interface Restoration extends Planned {
  dumped: Dumped;
}

/** How a step ended: what is to be told of it, as sentence parts. */
export interface Done {
  tables: number;
  rows: number;
  notes: string[];
  warnings: string[];
  /** The name that the replaced database has now; null where none was kept. */
  kept: string | null;
  /** What the restored database takes on the server, where that is known; left out where only tables were. */
  databaseBytes: number | undefined;
  /** What else the ledger is to keep. */
  more?: RunFacts;
}
