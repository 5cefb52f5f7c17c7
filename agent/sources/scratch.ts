import type { Source } from './source.ts';

/** Where the scratch databases of a source are made: on a server that is there anyway, or on one that is started for them. */
export interface ScratchPlace {
  /**
   * Makes the server ready. What it throws is why there is none, and says nothing of any snapshot. What it gives must be closed.
   */
  open(need: ScratchNeed, signal: AbortSignal): Promise<ScratchServer>;
}

/** What is to be restored there; null where nobody knows. */
export interface ScratchNeed {
  /** By the snapshot's tag: `mysql`, `mariadb` or `postgres`. */
  engine: string | null;
  /** Of the server that the dump came from, as that told it. */
  serverVersion: string | null;
  /** Names of the extensions in it. */
  extensions: string[] | null;
  /** Plain bytes of the dump. */
  dumpBytes: number | null;
  /** What is restored at once takes so much on the server's disk, where that is not the whole database. Bytes. */
  databaseBytes?: number;
}

export interface ScratchServer {
  readonly server: Source;
  /** Whether it is the source's own, which holds its database too. */
  readonly own: boolean;
  /** As a report names it: `a throw-away PostgreSQL 17.6`; null for a server that is there anyway. */
  readonly called: string | null;
  /** Why it shows nothing that something failed there, as a sentence part: the server ended, or had no room. Null where it stands and answers. */
  trouble(): Promise<string | null>;
  /** Ends what was started, and removes what it wrote. Never throws; closing twice is no error. */
  close(): Promise<void>;
}
