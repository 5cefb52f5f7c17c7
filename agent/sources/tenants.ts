import type { Proof } from '../proof/proof.ts';
import type { Owners, Part, StoredDump } from './source.ts';

/** A customer with a schema of its own in a database that many share. */
export interface Tenant {
  /** As the configuration's pattern or query gives it: text without control characters, unique. */
  id: string;
  schema: string;
  /** What the query says; true where the schema alone makes a tenant. */
  active: boolean;
  /** The name of the first group of the configuration that it matches; null for none. */
  group: string | null;
  /** Of its tables with their indexes; null where there is no such schema. */
  bytes: number | null;
}

export interface FoundTenants {
  /** The critical ones first, by the configuration's priority; then by id, in the order of numbers where ids are numbers. */
  tenants: Tenant[];
  /** What a person should see, as sentence parts: no tenant at all, or one without a schema. */
  findings: string[];
}

/**
 * The tenants of a source. Every method honours its signal and has a deadline of its own; ids and names of schemas are quoted, whatever
 * is in them.
 */
export interface Tenants {
  /** Asks the server. Throws `configuration` where the query gives no tenants: other columns, ids twice, one schema for two. */
  find(signal: AbortSignal): Promise<FoundTenants>;

  /**
   * The tenant with this id, also where its schema is not there (any more). Throws `usage` where no tenant can have it: one that the pattern
   * does not fit, or that the query does not give.
   */
  lookUp(id: string, signal: AbortSignal): Promise<Tenant>;

  /** The names of the schemas in a plain dump; reads of it what that takes. */
  schemasIn(dump: StoredDump): Promise<string[]>;

  /** What holds one schema as it is, for a restore point: itself alone, without what it needs of others. */
  part(schema: string): Part;

  /**
   * Puts a schema of a plain dump in the place of the one that is there, or under another name. All of it is one transaction: what the
   * old one was stays until the end and is then called `keep`, and whatever fails, and whenever the agent dies, nothing was done.
   * Throws `restore_failed` that names what would mean something else afterwards, what `judge` throws, and `usage` where the dump
   * has no such schema.
   */
  restore(order: TenantOrder, dump: StoredDump, signal: AbortSignal): Promise<TenantRestored>;

  /**
   * Loads a dump of everything into a new database that is empty: first what belongs to no tenant, then tenant by tenant in the order of
   * `find`, each in a transaction of its own, so that it can be used at once; last what builds on several of them. A tenant that does not come
   * back keeps no other from it. Throws where what they share does not come back, or the disk has no room to stage the dump: nothing in the
   * database is to be trusted then.
   */
  recover(order: RecoveryOrder, dump: StoredDump, signal: AbortSignal): Promise<Recovered>;

  /** The schemas among these that are there, in the source's database or in another one of its server. */
  existing(schemas: string[], signal: AbortSignal, database?: string): Promise<string[]>;

  /** Drops a schema; throws `failed` that names what outside of it depends on it. Dropping one that is not there is no error. */
  drop(schema: string, signal: AbortSignal): Promise<void>;
}

export interface TenantOrder {
  /** The schema's name in the dump. */
  schema: string;
  /** The tenant that it becomes: the same, or one whose schema is not there yet. */
  into: Pick<Tenant, 'id' | 'schema'>;
  /** Another database of the same server, in which neither schema is there yet; null for the one that the tenant is from. */
  elsewhere: string | null;
  /** What the schema that is there is called afterwards. */
  keep: string;
  /** What all of the dump's source held, or what a dump of that schema alone did, with what it needs; null where nothing is known of it. */
  proof: Proof | null;
  /**
   * Of a dump that holds that schema alone: finds the script that makes what it needs outside of itself, asked for where something may be
   * missing; null where there is none any more. Null of a dump of everything.
   */
  alone: { prelude: () => Promise<AsyncIterable<Buffer> | null> } | null;
  /**
   * Called before anything is done for good with what was restored, read as the proof was, of that schema alone. What it throws ends the
   * restore with nothing done.
   */
  judge: (found: Proof) => void;
  owners: Owners;
  /** False: everything is tried, and then undone. */
  forGood: boolean;
  onStep: (step: string) => void;
}

export interface TenantRestored {
  tables: number;
  rows: number;
  /** Whether there was a schema, which is called `keep` now. */
  replaced: boolean;
  ownersKept: boolean;
  /** As sentence parts. */
  warnings: string[];
}

export interface RecoveryOrder {
  /** The database. */
  target: string;
  owners: Owners;
  /** Plain bytes of the dump; null where nobody knows. */
  dumpBytes: number | null;
  onStep: (step: string) => void;
  /** Told when what belongs to no tenant is there. */
  onShared: () => void;
  /** Told of each tenant as soon as it is back, or is known not to come. */
  onTenant: (tenant: RecoveredTenant) => void;
}

export interface RecoveredTenant {
  id: string;
  schema: string;
  tables: number;
  /** Why it did not come back, as a sentence part; null where it did. */
  why: string | null;
}

export interface Recovered {
  ownersKept: boolean;
  /** Objects that build on several tenants, or on all. */
  late: number;
  /** Why those did not come back, as a sentence part; null where they did. */
  lateWhy: string | null;
  /** Of these, those that build on a tenant that did not come back, and were not tried. */
  leftOut: number;
  /** What it does not hold, rightly, as sentence parts. */
  notes: string[];
}
