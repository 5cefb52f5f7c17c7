import type { Compression } from '../../core/glossary.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Owners, Source } from '../../sources/source.ts';
import type { Tenant, Tenants } from '../../sources/tenants.ts';
import type { Wanted } from '../find-snapshot.ts';
import type { TenantDump } from '../find-tenant-dump.ts';
import type { Notes } from '../init.ts';
import type { JobContext } from '../job.ts';

export interface TenantRestoreSettings {
  tenants: Tenants;
  repository: Repository;
  /** What the agent must know after it was killed. */
  notes: Notes;
  /** For which dump is the newest, and which are suspect. */
  ledger: Pick<Ledger, 'recent' | 'suspects'>;
  now: () => Date;
  wanted: Wanted;
  /** The tenant in the backup. */
  id: string;
  /** The tenant that it becomes; null for the same. */
  toId: string | null;
  /** Another database of the same server that it is restored into; null for the source's own. */
  toDatabase: string | null;
  owners: Owners;
  /** Whether the schema is stored as it is before another takes its place. */
  restorePoint: boolean;
  compression: Compression;
  /** `dry-run`: says what would happen. `validate`: does it all, and then undoes it. */
  how: 'dry-run' | 'validate' | 'for-good';
  timeoutMs: number;
}

/** What is known of a restore before its dump is. */
export interface TenantRestorationBegun {
  source: Source;
  tenant: Tenant;
  into: Tenant;
  /** Whether it takes the place of a schema that is there, for good. */
  replaces: boolean;
  settings: TenantRestoreSettings;
  context: JobContext;
}

/** What the steps of one restore share. */
export interface TenantRestoration extends TenantDump, TenantRestorationBegun {}
