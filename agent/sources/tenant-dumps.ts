import type { Proof } from '../proof/proof.ts';
import type { Part, Probe } from './source.ts';
import type { Tenant } from './tenants.ts';

/** A tenant as it is dumped: the id that people use, and the schema that holds its tables. */
export type TenantSchema = Pick<Tenant, 'id' | 'schema'>;

/** Dumps of parts of a database: of its tenants one by one, and of what belongs to none. */
export interface TenantDumps {
  /**
   * Opens one snapshot of the database and holds it while `work` lasts: all dumps that are opened meanwhile show that one moment.
   * `tenants` are all that there are, for what belongs to none is told by them.
   */
  atOneMoment<T>(
    what: { tenants: TenantSchema[]; probe: Probe },
    signal: AbortSignal,
    work: (moment: Moment) => Promise<T>,
  ): Promise<T>;

  /** Whether the schema is there now. */
  exists(schema: string, signal: AbortSignal): Promise<boolean>;
}

/** One snapshot of a database. */
export interface Moment {
  /** Whether the tenant's schema was there. */
  holds(tenant: TenantSchema): boolean;
  /** Base tables that belong to no tenant. */
  readonly globalTables: number;
  /**
   * Writes some tenants into files below a folder, in one pass over the database: of each its dump, its prelude and its proof, whole, and under
   * the paths that they are to have in the repository. What keeps one from being dumped keeps no other: it is told as left, with nothing of
   * it there. Files of tenants that did not change are the same as those of another time. Throws what `onBytes` throws.
   */
  stage(order: StageOrder, signal: AbortSignal): Promise<StagedSet>;
  /**
   * To be called when everything was read: as long as a moment lasts the server cleans up nothing that was there at it. Nothing else may be
   * asked of it then.
   */
  release(): Promise<void>;
  /** Why this moment cannot show a tenant any more, as a sentence part: then a dump that ended by now is not whole. Null where it can. */
  outdated(tenant: TenantSchema, signal: AbortSignal): Promise<string | null>;
  /** The prelude, then the dump: what a tenant needs in an empty database, and the tenant itself, with its proof where one is asked for. */
  tenantParts(tenant: TenantSchema, options: { withProof: boolean }): Part[];
  /** The roles, then the dump of everything but the tenants' schemas. */
  globalParts(): Part[];
}

export interface StageOrder {
  tenants: TenantSchema[];
  /** The folder, which is there. */
  staging: string;
  /** One whose rows take longer to come is left, and the others are staged without it. */
  limitMs: number;
  /** A proof as it is stored beside the dump of this path. */
  encodeProof: (dump: string, proof: Proof) => string;
  /** Told how many bytes of dumps are written, as they are. */
  onBytes: (bytes: number) => Promise<void>;
  onStep: (step: string) => void;
}

export interface StagedSet {
  /** The folder of all files, in the repository and below the one that they are staged in. */
  path: string;
  tenants: StagedTenant[];
  /** What several of them need. */
  shared: StagedFile[];
  /** Tenants of which nothing was staged: each is to be dumped by itself, which tells why. */
  left: TenantSchema[];
  /** Tenants that this moment cannot show any more, and why, as a sentence part; nothing of them was staged. */
  failed: { tenant: TenantSchema; why: string }[];
  /** As sentence parts. */
  warnings: string[];
}

export interface StagedTenant {
  tenant: TenantSchema;
  /** The dump is the first. */
  files: StagedFile[];
  /** Why a restore of it could not be shown equal, as a sentence part; null where it can, and where no proof is wanted. */
  unproven: string | null;
}

export interface StagedFile {
  path: string;
  bytes: number;
}
