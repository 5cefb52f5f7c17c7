import type { SourceConfig } from '../../config/config.ts';
import type { Processes } from '../../process/run.ts';
import type { Source } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { Running, User } from './launch.ts';

/** The programs of one server, found and fit. */
export interface Kind {
  /** `PostgreSQL 17.6` */
  called: string;
  /** Who such a server runs as where the agent is root, the best first. */
  users: string[];
  /** Makes a server in a folder that is there, empty, and the user's, and the source as it would be on it. */
  start(where: Where, signal: AbortSignal): Promise<{ running: Running; server: Source }>;
}

export interface Where {
  folder: string;
  user: User | null;
  /** Names of the extensions in the dump; null where nobody knows. */
  extensions: string[] | null;
}

/** What a kind of server works with. */
export interface KindDeps {
  processes: Processes;
  tools: Tools;
  createSource: (config: SourceConfig) => Source;
}
