import type { Owners, StoredDump } from './source.ts';

/**
 * The roles of a server, which belong to no database: a dump names them, and the globals beside it hold them. Every method honours its
 * signal and has a deadline of its own. What is there already is never changed.
 */
export interface Roles {
  /** What a dump, or some of its tables, needs beside its database and the server has not; reads of the dump what that takes. */
  lacking(
    dump: StoredDump,
    what: { owners: Owners; tables: string[] | null },
    signal: AbortSignal,
  ): Promise<Lacking>;

  /**
   * Which roles would be made for it, out of the stored globals, which are read to their end. Changes nothing. Throws `restore_failed` where
   * they are not whole or do not hold a role, and `rights_missing` with the GRANT that mends it where the user may not make them.
   */
  plan(lacking: Lacking, globals: AsyncIterable<Buffer>, signal: AbortSignal): Promise<RolesPlan>;

  /**
   * Makes all of them, or none where it throws. `onMade` is told of them before that is done for good. Returns what could not be given to
   * them as it was, as sentence parts.
   */
  make(plan: RolesPlan, onMade: (made: MadeRole[]) => void, signal: AbortSignal): Promise<string[]>;

  /**
   * The roles that a dump names and the globals do not hold, which are read to their end. Asks no server. Throws as `plan` does where they cannot
   * be used.
   */
  unknownIn(dump: StoredDump, globals: AsyncIterable<Buffer>): Promise<string[]>;

  /** Gives a new database what its dump says of it. Returns what it could not be given, as sentence parts. */
  giveTraits(database: string, traits: DatabaseTrait[], signal: AbortSignal): Promise<string[]>;

  /** Drops roles that were made and are still there, all or none: none while anything belongs to one, or one has a right on it. */
  drop(made: MadeRole[], signal: AbortSignal): Promise<DroppedRoles>;
}

export interface Lacking {
  /** Roles without which the dump does not load. */
  roles: string[];
  /** Those of them that own something in it, or whose default rights it sets. */
  owners: string[];
  /** Roles that are named by the database's own rights and settings alone. */
  wished: string[];
  tablespaces: string[];
  /** What it says of its database as a whole: nothing is lacking there, but a new database has none of it. */
  traits: DatabaseTrait[];
  /** The statement that made it, for the engine alone; null where the dump does not say. */
  made: string | null;
  /** In what the source's own database, where it is there, was made otherwise than the dumped one, as sentence parts. */
  unlike: string[];
}

/** Something that a database has as a whole. For the engine alone: a setting may be a secret. */
export interface DatabaseTrait {
  /** `owner`, `rights`, … */
  what: string;
  /** Whether it comes back with owners and rights alone. */
  isRight: boolean;
  /** Statements: what stands before and behind the name of the database; null behind where it is not named. */
  pieces: [before: string, after: string | null][];
}

export interface RolesPlan {
  roles: PlannedRole[];
  /** What is to be known of it before, as sentence parts. */
  warnings: string[];
  /** For the engine alone: it holds password hashes, and is never shown. */
  statements: RoleStatement[];
}

export interface PlannedRole {
  name: string;
  /** What makes it more than a name, in the words of CREATE ROLE: `LOGIN`, `SUPERUSER`. */
  powers: string[];
}

export interface RoleStatement {
  sql: string;
  /** What is not as it was where the server refuses it, as a sentence part; null where nothing is made then. */
  orElse: string | null;
  /** What it is, for a message that may not hold it: `role "app"`. */
  what: string;
}

/** Their names. One of both is empty. */
export interface DroppedRoles {
  dropped: string[];
  left: string[];
}

export interface MadeRole {
  name: string;
  /** By which another role of the same name is told from it. */
  oid: string;
}
