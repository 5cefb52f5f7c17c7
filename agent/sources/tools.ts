import type { Processes } from '../process/run.ts';

/** Where the database's own programs are looked for. */
export interface Tools {
  /** Folders that are asked for MySQL's and MariaDB's clients before the PATH. */
  mysqlDirs: string[];
  /** Folders that are asked for MySQL's and MariaDB's servers before the PATH, which often has none. */
  mysqlServerDirs: string[];
  /** Folders with one folder per major, as Debian has them: `<dir>/17/bin/pg_dump`. */
  postgresDirs: string[];
  /** Certificate authorities that `verify` trusts. */
  caFile: string;
}

export const DEFAULT_TOOLS: Tools = {
  mysqlDirs: ['/usr/lib/holdfast/mysql/bin'],
  mysqlServerDirs: ['/usr/lib/holdfast/mysql/bin', '/usr/sbin'],
  postgresDirs: ['/usr/lib/postgresql', '/usr/lib/holdfast/postgresql'],
  caFile: '/etc/ssl/certs/ca-certificates.crt',
};

/** What a source works with. */
export interface ClientDeps {
  processes: Processes;
  tools: Tools;
  /** A folder, on memory where there is one, for option files and password files. */
  runtimeDir: string;
  /** A dump client that gives no byte for so long, although somebody waits for one, is ended. */
  idleTimeoutMs: number;
}
