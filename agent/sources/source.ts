import type { HoldfastError } from '../core/errors.ts';
import type { Engine, GapName, PartKind } from '../core/glossary.ts';
import type { Proof, ProofOutcome } from '../proof/proof.ts';
import type { Roles } from './roles.ts';
import type { Owners, Restored, RestoreOptions, TableLoad } from './restoring.ts';

export type { Owners, Restored, RestoreOptions, TableLoad } from './restoring.ts';

/**
 * Something that can be backed up. Knows nothing of compression, restic or schedules.
 * Every method honours its signal within a second and has a deadline of its own.
 */
export interface Source {
  /** The name from the configuration, unique there. */
  readonly name: string;
  /** The database's name on its server. */
  readonly database: string;
  /**
   * Whether its engine renames whole databases: a database that is gone is then made by a swap too. Otherwise its swap moves tables, and
   * some can be swapped alone.
   */
  readonly renames: boolean;
  /** How long the name of a database may be. */
  readonly nameLimit: { most: number; unit: 'bytes' | 'characters' };

  /** For an engine whose databases have schemas: how some of them are restored by themselves, to be looked at. */
  readonly schemas?: SchemaScratch;

  /** For an engine whose dumps name roles of the server, and that stores these beside. */
  readonly roles?: Roles;
  /** For an engine whose transactions hold definitions too: how everything in the source's own database is replaced where no swap can be. */
  readonly atOnce?: AtOnce;

  /**
   * Reads what the server is and what the backup user may not see; writes nothing.
   * Throws `source_unreachable`, `source_denied`, or `client_mismatch` when no dump client fits the server.
   */
  probe(signal: AbortSignal): Promise<Probe>;

  /** The files that make a backup, in the order in which they are to be stored: the dump itself comes last. */
  parts(probe: Probe): Part[];

  /**
   * Loads a plain dump (no compression) into a database of the source's server. Every error of the client is an error:
   * throws `restore_failed` with the client's first complaint. `target` must exist and is not emptied here. A folder is staged on
   * the disk meanwhile: throws `target_full` where it has no room for it.
   */
  restoreInto(
    target: string,
    dump: StoredDump,
    signal: AbortSignal,
    options?: RestoreOptions,
  ): Promise<Restored>;

  /**
   * Runs a script of the engine's own client in a database of the source's server; the first statement that fails ends it. Throws
   * `restore_failed` with the client's complaint. What was done before that stays.
   */
  runScript(target: string, script: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;

  /** The tables in a plain dump; reads of it what that takes. */
  tablesIn(dump: StoredDump): Promise<TableInDump[]>;

  /**
   * Reads of a database of the source's server what `like` says of the source: the same tables' rows by the same method and
   * ranges, all objects, all counters. For a scratch database that nobody writes to. Its `unproven` is null.
   */
  prove(target: string, like: Proof, signal: AbortSignal): Promise<Proof>;

  /** Gathers the statistics by which a scratch database answers questions as the source would. */
  analyze(target: string, signal: AbortSignal): Promise<void>;

  /**
   * Lets the server look at every table and index of a scratch database for damage: amcheck, CHECK TABLE. Damage is an answer;
   * throws only when the server could not be asked.
   */
  examine(target: string, signal: AbortSignal): Promise<Examination>;

  /** Asks one question of a scratch database, read only and within its deadline. Throws `failed` with what the server said. */
  ask(target: string, question: Question, signal: AbortSignal): Promise<Answer>;

  /** What a database holds, with exact row counts. Throws `source_denied` where it may not look. */
  inspect(target: string, signal: AbortSignal): Promise<Inventory>;

  /**
   * Creates an empty database, which stores and sorts text like the source's own where that is there, and otherwise like the one that was dumped
   * (`made`: as `Lacking.made`, null for nobody knows). Returns in what it is not as that is, as sentence parts. Throws `target_not_empty` when one of that
   * name exists, `rights_missing` with the GRANT that mends it, and `restore_failed` where what was dumped cannot be stored there.
   */
  createDatabase(target: string, signal: AbortSignal, made?: string | null): Promise<string[]>;

  /** The statement that makes a database like the source's own elsewhere, as `createDatabase` takes it; null where that is not there. */
  madeAs?(signal: AbortSignal): Promise<string | null>;

  /** Removes every object of the database so that a dump loads into it as into a new one. */
  emptyDatabase(target: string, signal: AbortSignal): Promise<void>;

  /** Drops a database. Dropping one that is not there is no error. */
  dropDatabase(target: string, signal: AbortSignal): Promise<void>;

  /** What a database takes on the server's disk, by its estimate; null where it has none. Bytes. */
  sizeOf(target: string, signal: AbortSignal): Promise<number | null>;

  /** For how long the server runs since it was started last. Seconds. */
  uptime(signal: AbortSignal): Promise<number>;

  /** Databases on the server whose name starts with the prefix. Throws `configuration` where the server would write such a name otherwise. */
  listDatabases(prefix: string, signal: AbortSignal): Promise<string[]>;

  /**
   * What would keep a swap from putting another database in the place of the source's own, which is there and would be
   * called `keep` from then on; null for nothing. Changes nothing. `tables`: these alone are to be swapped; `keep` is made for the old ones.
   */
  swapHurdle(keep: string, signal: AbortSignal, tables?: string[] | null): Promise<Hurdle | null>;

  /**
   * Gathers what it takes to put the database `fresh`, into which a dump was just loaded, in the place of the source's own,
   * and to put things in order when that is cut off. Changes nothing. `keep` is null where there is no old one. `ofSome`: some tables alone
   * were loaded, and everything but these stays as it is; throws `restore_failed` where what they are tied to does not let them be swapped.
   */
  planSwap(
    swap: { fresh: string; keep: string | null; loaded: Restored; ofSome?: boolean },
    signal: AbortSignal,
  ): Promise<SwapPlan>;

  /**
   * Puts `fresh` in the place of the source's own database, whose name it takes together with its rights and settings; the
   * old one is called `keep` from then on. What a reader sees at any moment are the rows of the old one or of the new one.
   * Returns what a person should know of it, as sentence parts. Where it throws, or the agent dies, `settleSwap` is to follow.
   */
  swapIn(plan: SwapPlan, signal: AbortSignal): Promise<string[]>;

  /**
   * Puts in order what a swap left that was cut off at any moment. `undone`: everything is as it was before, and `fresh`
   * is of no use any more; `done`: the new one is in place, whole, and there is no `fresh`. May be called again.
   */
  settleSwap(plan: SwapPlan, signal: AbortSignal): Promise<'undone' | 'done'>;
}

export interface AtOnce {
  /** What would keep `replace` from being done by this user; null for nothing. Changes nothing. */
  hurdle(signal: AbortSignal): Promise<Hurdle | null>;

  /**
   * Replaces everything in the source's own database by a plain dump, in one transaction: where it throws, or the agent or the server dies at
   * any moment, all is as it was. Who uses the database meanwhile waits for the end. Throws as `restoreInto` does, what `order.check` throws,
   * and `source_unreachable` after `order.onCommit` where the connection is lost, so that nobody knows whether it was done: it is whole in any
   * case. From there on the signal is not heard.
   */
  replace(dump: StoredDump, order: AtOnceOrder, signal: AbortSignal): Promise<Restored>;
}

export interface AtOnceOrder {
  owners: Owners;
  /** Is given what can look at that which came back, before anybody else sees it; where it throws, all is as it was. */
  check(inside: Inspector): Promise<void>;
  /** Is called as the commit begins. */
  onCommit?: () => void;
  onTable?: (table: TableLoad) => void;
}

/** Who can look at a restored database. */
export type Inspector = Pick<Source, 'inspect' | 'prove' | 'sizeOf'>;

export interface TableInDump {
  name: string;
  /** The tables that hold its rows and come along with it: itself, or its partitions where it has some. */
  rowsIn: string[];
}

/** Schemas of a dump in a scratch database. Both methods honour their signal. */
export interface SchemaScratch {
  /**
   * Loads schemas of a plain dump into an empty database, each with what it needs of others, in one pass over the dump, of which no more
   * is read than up to the last row that this takes. What the server refuses of one keeps no other from coming. Throws where the dump
   * cannot be read, or the server is gone.
   */
  load(
    target: string,
    schemas: string[],
    dump: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<Map<string, SchemaLoaded>>;

  /** Reads of a schema there what `like` says of its source; without it, how many rows there are. */
  prove(target: string, schema: string, like: Proof | null, signal: AbortSignal): Promise<Proof>;
}

export interface SchemaLoaded {
  /** Why it did not come back: `restore_failed`, or `rights_missing`; null where it did. */
  error: HoldfastError | null;
  /** What loading it took; fetching, and what several need, not counted. */
  seconds: number;
}

/** Plain JSON, so that it can outlive the agent. */
export interface SwapPlan {
  fresh: string;
  keep: string | null;
  /** For the engine alone. */
  details: string;
}

export interface Probe {
  engine: Engine;
  /** As the server tells it, for example `10.11.19-MariaDB-0+deb12u1`. */
  serverVersion: string;
  /** Path and version of the client that will dump. */
  client: { path: string; version: string };
  /** Base tables that the backup user sees. */
  tables: number;
  /** Their names, with their schemas where the engine has some; also of those that a dump leaves out as allowed. */
  tableNames: string[];
  /** Estimate of the server, in bytes; null where it has none. */
  databaseBytes: number | null;
  /** What a backup by this user would lack. Empty is what a complete backup needs. */
  gaps: Gap[];
  /** What would end a restore by this user although the backup is complete. */
  hurdles: Hurdle[];
  /** What keeps backups by this user from being proven equal although they are complete, where a proof is wanted; a backup that it befalls says so itself. */
  lacksForProof: Hurdle[];
  /** Not wrong, but worth a person's eye (tables outside the consistent snapshot, for example). */
  warnings: string[];
}

export interface Gap {
  name: GapName;
  /** What is missing, as a sentence part: "triggers of orders_tracker are invisible to keeper". */
  detail: string;
  /** The statement that mends it, ready to paste. */
  mend: string;
  /** What a dump leaves out by name where the gap is allowed. */
  objects?: string[];
  /** It is the database that is damaged there: no right would let anybody dump it. */
  damaged?: boolean;
}

export interface Hurdle {
  /** Why, as a sentence part. */
  detail: string;
  /** What to do about it, as a sentence. */
  mend: string;
}

export interface Part {
  kind: PartKind;
  /** Path in the repository, without the compression's suffix: `/mysql/shop.sql`. */
  path: string;
  /** Starts the client. The stream must be read to its end or the signal aborted. */
  open(signal: AbortSignal): Dump;
  /** Where the configuration wants it to be a folder of files, for a store that takes one; `open` gives the same as one stream. */
  folder?: FolderPart;
}

export interface FolderPart {
  /** Of the folder in the repository. */
  path: string;
  /**
   * Dumps into a folder on the disk. Resolves only when all of it is known good; otherwise nothing of it is left. Throws `dump_failed`
   * or `dump_incomplete`, and, before the first byte, where the disk has no room for it, or the server none for its locks and connections.
   * `onBytes` is told every few seconds how much is there.
   */
  stage(signal: AbortSignal, onBytes: (bytes: number) => void): Promise<StagedDump>;
}

/** A dump that lies on the disk as a folder of files. */
export interface StagedDump extends DumpFacts {
  /** The staging folder (core/staging.ts), below which the part's path leads to the files. */
  staging: string;
  files: number;
  /** When its data was read, or hardly before. */
  begunAt: Date;
  /** As of a `Dump`; it may settle after the files are there. */
  proof?: Promise<ProofOutcome>;
  /** Removes it from the disk; no error when it is gone. */
  remove(): Promise<void>;
}

/** A dump that is stored: its plain bytes, or a folder of files. */
export type StoredDump = AsyncIterable<Buffer> | StoredFolder;

export interface StoredFolder {
  /** Of all its files; null where nobody knows. */
  bytes: number | null;
  /** The bytes of one file. Ends only when every byte is known to be as it was stored. */
  read(name: string): AsyncIterable<Buffer>;
  /**
   * Writes files, by their names in it, into a folder on the disk that is there and empty; all of them for null. What it wrote is as it
   * was stored when it resolves, and not to be trusted when it throws `repository_damaged` or the like.
   */
  fetch(into: string, names: string[] | null): Promise<void>;
}

export function isFolder(dump: StoredDump): dump is StoredFolder {
  return 'fetch' in dump;
}

export interface Dump {
  /** The plain bytes. Ends when the client closes its output, which proves nothing: see `done`. */
  stream: AsyncIterable<Buffer>;
  /**
   * Settles after the stream has ended and the client has exited. Resolves only when the dump is known good:
   * exit 0, the trailer in place, no error on stderr. Rejects with `dump_failed` or `dump_incomplete`, never before the client is gone.
   */
  done: Promise<DumpFacts>;
  /**
   * The proof of this very dump, where the part is one that has a proof and the configuration wants one; absent otherwise.
   * Never rejects, and settles after the signal is aborted too; it may settle after `done`, while rows are still being read.
   */
  proof?: Promise<ProofOutcome>;
}

export interface DumpFacts {
  /** Plain bytes that passed. */
  bytes: number;
  /** Lines on stderr that are no errors but that a person should see. */
  warnings: string[];
}

/** What a database holds. */
export interface Inventory {
  tables: { name: string; rows: number }[];
  views: number;
  routines: number;
  triggers: number;
  events: number;
}

export type Examination =
  /** What was looked at, as a sentence part: `6 indexes by amcheck`. */
  | { kind: 'sound'; what: string }
  /** The server's first findings, as sentence parts. */
  | { kind: 'damaged'; findings: string[] }
  /** Why it could not be looked at, as a sentence part. */
  | { kind: 'not run'; why: string };

export interface Question {
  sql: string;
  timeoutMs: number;
}

export interface Answer {
  rows: number;
  /** The first column of the first row as text; null where that is NULL or there is no row. */
  value: string | null;
}
