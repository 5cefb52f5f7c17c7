import type { PostgresSourceConfig } from '../../../config/config.ts';
import type { AtOnce, Restored } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import type { WayIn } from '../lend-connection.ts';
import { prepareLoad } from '../load.ts';
import { withPostgresSession } from '../session.ts';
import { untilCommit } from '../until-commit.ts';
import { atOnceHurdle } from './hurdle.ts';
import { inDoubt } from './in-doubt.ts';
import { replaceAtOnce } from './replace.ts';

const LOOK_TIMEOUT_MS = 60_000;
/** How long a restore may take is for the job to say. */
const RESTORE_TIMEOUT_MS = 24 * 3600_000;

/** How everything in the source's own database is replaced in one transaction. */
export function createAtOnce(config: PostgresSourceConfig, deps: ClientDeps): AtOnce {
  const { caFile } = deps.tools;
  return {
    hurdle: (signal) =>
      withPostgresSession(config, { signal, caFile, timeoutMs: LOOK_TIMEOUT_MS }, (session) =>
        atOnceHurdle(session, config.database),
      ),
    replace: async (dump, order, signal) => {
      const { owners, onTable } = order;
      const options = { owners, forGood: true, ...(onTable === undefined ? {} : { onTable }) };
      const load = await prepareLoad(config, deps, config.database, dump, signal, options);
      let isRun = false;
      let isCommitting = false;
      const ended: { as?: Restored } = {};
      const once = { ...load, run: (way?: WayIn) => ((isRun = true), load.run(way)) };
      const limit = untilCommit(signal);
      const onCommit = () => {
        limit.signal.throwIfAborted();
        limit.onCommit();
        isCommitting = true;
        order.onCommit?.();
      };
      try {
        const session = { signal: limit.signal, caFile, timeoutMs: RESTORE_TIMEOUT_MS };
        return await withPostgresSession(config, session, async (open) => {
          ended.as = await replaceAtOnce(open, config, deps, { load: once, order, onCommit });
          return ended.as;
        });
      } catch (error) {
        // What goes wrong as the connection is ended changes nothing of it.
        if (ended.as !== undefined) return ended.as;
        throw isCommitting ? inDoubt(config.database, error) : error;
      } finally {
        limit.release();
        if (!isRun) await load.cancel();
      }
    },
  };
}
