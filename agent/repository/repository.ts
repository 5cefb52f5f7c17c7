import type { Compression, PartKind } from '../core/glossary.ts';
import type { Dump } from '../sources/source.ts';
import type { LocksCleared } from './locks.ts';

/** A restic repository. Knows nothing of databases. Every call has a deadline and honours its signal. */
export interface Repository {
  /** The location as it may be shown: no password in it. */
  readonly location: string;

  /** restic's version. Throws `tool_missing` for none, and for one older than what this program is written for. */
  toolVersion(signal: AbortSignal): Promise<string>;

  /**
   * Asks the repository for its id: proves that it is there, unlocked for us, and opened by our password.
   * Throws `repository_absent`, `repository_password`, `repository_locked`, `repository_unreachable`.
   */
  identify(signal: AbortSignal): Promise<string>;

  /**
   * Asks the same without a lock, so that it answers during a prune. For what may take long: a repository that is out of
   * reach is told after the answer timeout, and not after the time that a long operation may take.
   */
  reach(signal: AbortSignal): Promise<string>;

  /** Creates the repository and returns its id; a password that is generated for it is kept before. Throws `repository_failed` when there is one already. */
  create(signal: AbortSignal): Promise<string>;

  /**
   * Stores one dump. **No snapshot exists afterwards unless the dump's `done` resolved**: end-of-file is withheld
   * from restic until then, and whatever slipped through is found and forgotten. Throws the first cause.
   */
  save(request: SaveRequest, signal: AbortSignal): Promise<SavedSnapshot>;

  /**
   * Opens the repository for a dump while the caller does something else: most of the wait before the first byte is the
   * derivation of the key. Never throws; what is wrong is told by `save`. One of the two must end it.
   */
  prepare(target: SaveTarget): PreparedSave;

  /**
   * Stores the files of a staged folder as one snapshot. **No snapshot exists afterwards unless all of them were stored whole**: as
   * many files and bytes as were staged, and restic without a complaint. Throws the first cause.
   */
  saveFolder(request: FolderToSave, signal: AbortSignal): Promise<SavedFolder>;

  /** The files of a snapshot, by their paths in it. Needs no lock. */
  files(snapshot: Snapshot, signal: AbortSignal): Promise<StoredFile[]>;

  /** Snapshots of this host, oldest first. Needs no lock. */
  list(filter: SnapshotFilter, signal: AbortSignal): Promise<Snapshot[]>;

  /** The names of all hosts that have such snapshots there, of this one too. Needs no lock. */
  hosts(filter: SnapshotFilter, signal: AbortSignal): Promise<string[]>;

  /**
   * The plain bytes of one stored dump (decompressed by its suffix); of a snapshot of many files,
   * the one at its `path`. `done` rejects when a byte was damaged or missing:
   * bytes that came before that are not to be trusted.
   */
  read(snapshot: Snapshot, signal: AbortSignal): { stream: AsyncIterable<Buffer>; done: Promise<void> };

  /**
   * Writes files of a snapshot of a folder into a folder on the disk that is there and empty. Throws `repository_damaged` where a byte was damaged
   * or missing, and `target_full`: what was written is not to be trusted then. A name that is not in it writes nothing.
   */
  fetch(snapshot: Snapshot, files: FolderToFetch, signal: AbortSignal): Promise<void>;

  /** Removes snapshots by id, one by one named; verifies that they are gone. */
  remove(ids: string[], signal: AbortSignal): Promise<void>;

  /** What a policy would keep and remove, of every snapshot of this host, or of those that fit. Changes nothing. */
  preview(policy: KeepPolicy, signal: AbortSignal, filter?: SnapshotFilter): Promise<ForgetPreview>;

  /** Applies a policy to each group of host and tags of one source, and looks again. */
  forget(policy: KeepPolicy, filter: SnapshotFilter, signal: AbortSignal): Promise<ForgetReport>;

  /** Removes data that no snapshot needs. Refuses on an empty list of snapshots. */
  prune(expectedSnapshots: string[], signal: AbortSignal): Promise<PruneReport>;

  /** Integrity check; throws `repository_damaged` with restic's first finding. */
  check(part: CheckPart, signal: AbortSignal): Promise<void>;

  /** The same look as `check`, which tells what it found by what is broken; null where all is sound. */
  diagnose(part: CheckPart, signal: AbortSignal): Promise<Damage | null>;

  /** What mends a damaged one. Each changes the repository, and none prunes. */
  readonly repairs: Repairs;

  stats(signal: AbortSignal): Promise<RepositoryStats>;

  /** Removes locks that a dead process of this host left behind; never one of somebody else that may be alive. */
  clearDeadLocks(signal: AbortSignal): Promise<LocksCleared>;
}

/** What a dump is stored as. */
export interface SaveTarget {
  /** Path without the compression's suffix. */
  path: string;
  tags: SnapshotTags;
  compression: Compression;
  /**
   * The snapshot's time, to the second, instead of the moment at which restic is started; `start`: that moment, cut to the
   * second. What belongs to a dump has a time not later than the dump's, so that the dump stays what `latest` names.
   */
  time?: Date | 'start';
}

export interface DumpToSave {
  /** Starts the dump, once restic is there to take it; the signal ends it when anything else fails. */
  open: (signal: AbortSignal) => Dump;
  /** Called as bytes move, at most a few times a second. */
  onProgress?: ((progress: SaveProgress) => void) | undefined;
}

export type SaveRequest = SaveTarget & DumpToSave;

/** Files that lie ready on the disk. Unchanged files cost nothing where their bytes and paths are the same from run to run. */
export interface FolderToSave {
  /** The staging folder, called `STAGING` (core/staging.ts); what lies below it has the same path in the snapshot. */
  staging: string;
  /** The folder of all its files, below the staging folder and in the snapshot alike: `/postgres/clinic`. */
  path: string;
  /** What was written there. */
  files: number;
  bytes: number;
  tags: SnapshotTags;
  /** As in `SaveTarget`. */
  time?: Date | 'start';
  /** Called as files are read, every few seconds. */
  onProgress?: ((progress: SaveProgress) => void) | undefined;
}

export interface FolderToFetch {
  into: string;
  /** Of files that lie in the folder itself; all that is in it for null. */
  names: string[] | null;
  /** Called as bytes are written, every few seconds. */
  onBytes?: (bytes: number) => void;
}

/** A repository that was opened for one dump. */
export interface PreparedSave {
  readonly target: SaveTarget;
  /** Not later than the snapshot's time, and hardly earlier. */
  readonly startedAt: Date;
  /** As `Repository.save`. Once. */
  save(dump: DumpToSave, signal: AbortSignal): Promise<SavedSnapshot>;
  /** Stores nothing and leaves no lock; resolves when restic is gone. Does nothing after `save`. */
  cancel(): Promise<void>;
}

export interface SaveProgress {
  /** Plain bytes read from the dump. */
  dumpBytes: number;
  /** Bytes handed to the repository. */
  storedBytes: number;
}

/** The small stable set that is retention's group key: nothing that differs from run to run. */
export interface SnapshotTags {
  source: string;
  engine: string;
  kind: PartKind;
  /** The id of the tenant whose dump it is; absent for what is of none. */
  tenant?: string;
  /** The group of tenants whose dumps it holds; absent for what is of none. */
  group?: string;
}

export interface Snapshot {
  /** The full id. */
  id: string;
  shortId: string;
  /** The id that it was stored with: another one than `id` once restic has copied it or changed its tags. */
  originalId: string;
  /** UTC ISO 8601. */
  time: string;
  host: string;
  /** Path inside the snapshot, with suffix; of a snapshot of many files, their folder. */
  path: string;
  /** Null for snapshots that are not ours. */
  tags: SnapshotTags | null;
  /** Bytes as stored in the snapshot, before deduplication; null where restic did not record it. */
  bytes: number | null;
}

/** A file of a snapshot. `{ ...snapshot, ...file }` is what `read` takes for it. */
export interface StoredFile {
  path: string;
  /** As stored. */
  bytes: number;
}

export interface SavedSnapshot {
  id: string;
  path: string;
  dumpBytes: number;
  storedBytes: number;
  addedBytes: number;
  warnings: string[];
}

export interface SavedFolder extends SavedSnapshot {
  /** Bytes by which the repository grew for each file, by its path; what it had already costs nothing. */
  addedOf: ReadonlyMap<string, number>;
}

export interface SnapshotFilter {
  source?: string;
  kind?: PartKind;
  /** Of these tenants; of any and of none when left out. */
  tenants?: string[];
}

export interface KeepPolicy {
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** Everything that is not older than this, counted from the newest of its group, is kept: restic's calendar time, `2d`. */
  within?: string | null;
}

export interface ForgetPreview {
  kept: Snapshot[];
  removed: Snapshot[];
}

export interface ForgetReport {
  kept: string[];
  removed: string[];
}

/** What a check found. Lists of ids are as long as restic gives them. */
export interface Damage {
  /** How many errors restic counts. */
  errors: number;
  /** The first of them, in restic's words. */
  first: string;
  /** Index files that cannot be read. */
  indexes: string[];
  /** Packs that the index knows and that are gone. */
  missingPacks: string[];
  /** Packs whose bytes are not what they were. */
  damagedPacks: string[];
  /** Snapshot files that cannot be read; the beginnings of their ids. */
  snapshots: string[];
  /** Whether snapshots need data that no index knows. */
  missingData: boolean;
  /** What has no name here, in restic's words. */
  others: string[];
}

export interface Repairs {
  /** Builds the index anew from the packs that are there. Enough where no pack was lost; harmless otherwise. */
  index(signal: AbortSignal): Promise<void>;
  /** Takes what is whole out of damaged packs and removes them; a copy of each stays in the folder. Rebuilds the index too. */
  packs(ids: string[], copies: string, signal: AbortSignal): Promise<void>;
  /** The full ids of the snapshots, of any host, that have something in these packs. Changes nothing. */
  usersOf(packs: string[], signal: AbortSignal): Promise<string[]>;
  /** The short ids of the snapshots, of any host, of which data is missing: true once the index is. Changes nothing. */
  broken(signal: AbortSignal): Promise<string[]>;
  /** Takes snapshot files that cannot be read out of the repository; of a local one they are set aside in the folder. Returns their ids. */
  dropUnreadable(ids: string[], copies: string, signal: AbortSignal): Promise<string[]>;
}

export interface PruneReport {
  /** Bytes by which the repository shrank, as restic measured them; null where it did not say. */
  freedBytes: number | null;
}

/** Beside the structure: none of the data, all of it, or the n-th of so many equal parts (at most 256). */
export type CheckPart = 'structure' | 'all-data' | { part: number; of: number };

export interface RepositoryStats {
  /** Bytes on disk, after deduplication and compression. */
  storedBytes: number;
  /** Bytes that a restore of everything would give. */
  restoreBytes: number;
  snapshots: number;
}
