import type { Compression, PartKind } from '../core/glossary.ts';
import type { Dump } from '../sources/source.ts';

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

  /** Snapshots of this host, oldest first. Needs no lock. */
  list(filter: SnapshotFilter, signal: AbortSignal): Promise<Snapshot[]>;

  /**
   * The plain bytes of one stored dump (decompressed by its suffix). `done` rejects when a byte was damaged or missing:
   * bytes that came before that are not to be trusted.
   */
  read(snapshot: Snapshot, signal: AbortSignal): { stream: AsyncIterable<Buffer>; done: Promise<void> };

  /** Removes snapshots by id, one by one named; verifies that they are gone. */
  remove(ids: string[], signal: AbortSignal): Promise<void>;

  /** What a policy would keep and remove, of every snapshot of this host. Changes nothing. */
  preview(policy: KeepPolicy, signal: AbortSignal): Promise<ForgetPreview>;

  /** Applies a policy to each group of host and tags of one source, and looks again. */
  forget(policy: KeepPolicy, filter: SnapshotFilter, signal: AbortSignal): Promise<ForgetReport>;

  /** Removes data that no snapshot needs. Refuses on an empty list of snapshots. */
  prune(expectedSnapshots: string[], signal: AbortSignal): Promise<void>;

  /** Integrity check; throws `repository_damaged` with restic's first finding. */
  check(part: CheckPart, signal: AbortSignal): Promise<void>;

  stats(signal: AbortSignal): Promise<RepositoryStats>;

  /** Removes locks that a dead process of this host left behind; never one of somebody else that may be alive. Returns how many. */
  clearDeadLocks(signal: AbortSignal): Promise<number>;
}

export interface SaveRequest {
  /** Path without the compression's suffix. */
  path: string;
  tags: SnapshotTags;
  /** Starts the dump, once the repository is ready to take it; the signal ends it when anything else fails. */
  open: (signal: AbortSignal) => Dump;
  compression: Compression;
  /**
   * The snapshot's time instead of now, to the second: what belongs to a dump gets a time not later than the dump's, so
   * that the dump stays what `latest` names.
   */
  time?: Date;
  /** Called as bytes move, at most a few times a second. */
  onProgress?: (progress: SaveProgress) => void;
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
  /** Path inside the snapshot, with suffix. */
  path: string;
  /** Null for snapshots that are not ours. */
  tags: SnapshotTags | null;
  /** Bytes as stored in the snapshot, before deduplication; null where restic did not record it. */
  bytes: number | null;
}

export interface SavedSnapshot {
  id: string;
  path: string;
  dumpBytes: number;
  storedBytes: number;
  addedBytes: number;
  warnings: string[];
}

export interface SnapshotFilter {
  source?: string;
  kind?: PartKind;
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

export type CheckPart = 'structure' | 'all-data';

export interface RepositoryStats {
  /** Bytes on disk, after deduplication and compression. */
  storedBytes: number;
  /** Bytes that a restore of everything would give. */
  restoreBytes: number;
  snapshots: number;
}
