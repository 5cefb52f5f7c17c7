import type { PostgresSourceConfig } from '../../../config/config.ts';
import type { Restored } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import type { WayIn } from '../lend-connection.ts';
import type { PreparedLoad } from '../prepare-load.ts';
import { withPostgresSession, type PostgresSession } from '../session.ts';
import { untilCommit } from '../until-commit.ts';
import { inDoubt } from './in-doubt.ts';

/** How long a restore may take is for the job to say. */
const RESTORE_TIMEOUT_MS = 24 * 3600_000;

export interface Hold {
  load: PreparedLoad;
  /** To be called as the commit begins. */
  onCommit: () => void;
}

/**
 * Gives `work`, which replaces something by a prepared dump in one transaction, a session to do it in. The signal is not heard once the commit
 * has begun; throws `source_unreachable` where the connection is lost from then on, for nobody knows whether it was done. A load that was
 * not run is cancelled.
 */
export async function inOneSession(
  config: PostgresSourceConfig,
  deps: ClientDeps,
  { database, load }: { database: string; load: PreparedLoad },
  signal: AbortSignal,
  work: (session: PostgresSession, hold: Hold) => Promise<Restored>,
): Promise<Restored> {
  let isRun = false;
  let isCommitting = false;
  const ended: { as?: Restored } = {};
  const once = { ...load, run: (way?: WayIn) => ((isRun = true), load.run(way)) };
  const limit = untilCommit(signal);
  const onCommit = () => {
    limit.signal.throwIfAborted();
    limit.onCommit();
    isCommitting = true;
  };
  try {
    const options = { signal: limit.signal, caFile: deps.tools.caFile, database };
    return await withPostgresSession(config, { ...options, timeoutMs: RESTORE_TIMEOUT_MS }, async (open) => {
      ended.as = await work(open, { load: once, onCommit });
      return ended.as;
    });
  } catch (error) {
    // What goes wrong as the connection is ended changes nothing of it.
    if (ended.as !== undefined) return ended.as;
    throw isCommitting ? inDoubt(database, error) : error;
  } finally {
    limit.release();
    if (!isRun) await load.cancel();
  }
}
