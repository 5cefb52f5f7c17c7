import type { Proof } from '../proof/proof.ts';
import type { Owners, Part } from './source.ts';

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
  schemasIn(dump: AsyncIterable<Buffer>): Promise<string[]>;

  /** What holds one schema as it is, for a restore point: itself alone, without what it needs of others. */
  part(schema: string): Part;

  /**
   * Puts a schema of a plain dump in the place of the one that is there, or under another name. All of it is one transaction: what the
   * old one was stays until the end and is then called `keep`, and whatever fails, and whenever the agent dies, nothing was done.
   * Throws `restore_failed` that names what would mean something else afterwards, what `judge` throws, and `usage` where the dump
   * has no such schema.
   */
  restore(order: TenantOrder, dump: AsyncIterable<Buffer>, signal: AbortSignal): Promise<TenantRestored>;

  /** The schemas among these that are there. */
  existing(schemas: string[], signal: AbortSignal): Promise<string[]>;

  /** Drops a schema; throws `failed` that names what outside of it depends on it. Dropping one that is not there is no error. */
  drop(schema: string, signal: AbortSignal): Promise<void>;
}

export interface TenantOrder {
  /** The schema's name in the dump. */
  schema: string;
  /** The tenant that it becomes: the same, or one whose schema is not there yet. */
  into: Pick<Tenant, 'id' | 'schema'>;
  /** What the schema that is there is called afterwards. */
  keep: string;
  /** What all of the dump's source held; null where nothing is known of it. */
  proof: Proof | null;
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
