export interface Restored {
  /** What a person may want otherwise, as sentence parts; nothing is wrong. */
  notes: string[];
  /** What a person has to do so that all works as it did, as sentence parts. */
  warnings: string[];
  /** Whether objects got their owners, rights and definers back. */
  ownersKept: boolean;
  /** Events that the dump has switched on and that a copy must not run. */
  stilledEvents: string[];
}

/**
 * Whether objects get the owners and rights (PostgreSQL, whose roles must be there: the globals hold them) or the definers
 * (MySQL and MariaDB) that they had. Otherwise everything belongs to the user that restores, and what runs with its
 * definer's rights runs with that user's.
 *
 * - `keep`: they do, and a user that may not give them back fails
 * - `where-allowed`: they do where the user is one that may
 * - `leave`: they do not
 */
export type Owners = 'keep' | 'where-allowed' | 'leave';

export interface RestoreOptions {
  /** `leave` when left out. */
  owners?: Owners;
  /** These tables alone, as `tablesIn` names them, with their rows, indexes, constraints and triggers; all objects when left out. */
  tables?: string[];
  /** The target was made for this, nobody uses it, and it is dropped unless all comes back: a folder is loaded by several connections at once. */
  fresh?: boolean;
  /** The target is the source's own database, or becomes it: what takes part in something outside the server comes back too, which a copy would do in its place. */
  forGood?: boolean;
  /** The target is no new database: the tables are dropped there first. PostgreSQL does it all in one transaction. */
  replace?: boolean;
  /** Told of each table when its rows begin to be handed to the client: for a person who watches. */
  onTable?: (table: TableLoad) => void;
}

export interface TableLoad {
  /** As the dump names it. */
  name: string;
  /** The how manieth it is, from 1. */
  number: number;
  /** Of how many; null where a dump does not say so beforehand. */
  of: number | null;
}
