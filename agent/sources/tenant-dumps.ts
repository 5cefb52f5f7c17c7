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
  /** The prelude, then the dump: what a tenant needs in an empty database, and the tenant itself. */
  tenantParts(tenant: TenantSchema): Part[];
  /** The roles, then the dump of everything but the tenants' schemas. */
  globalParts(): Part[];
}
