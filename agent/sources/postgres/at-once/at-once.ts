import type { PostgresSourceConfig } from '../../../config/config.ts';
import type { AtOnce } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import { prepareLoad } from '../prepare-load.ts';
import { withPostgresSession } from '../session.ts';
import { atOnceHurdle } from './hurdle.ts';
import { inOneSession } from './one-session.ts';
import { replaceAtOnce } from './replace.ts';

const LOOK_TIMEOUT_MS = 60_000;

/** How everything in the source's own database is replaced in one transaction. */
export function createAtOnce(config: PostgresSourceConfig, deps: ClientDeps): AtOnce {
  const { caFile } = deps.tools;
  const { database } = config;
  return {
    hurdle: (signal) =>
      withPostgresSession(config, { signal, caFile, timeoutMs: LOOK_TIMEOUT_MS }, (session) =>
        atOnceHurdle(session, database),
      ),
    replace: async (dump, order, signal) => {
      const { owners, onTable } = order;
      const options = { owners, forGood: true, ...(onTable === undefined ? {} : { onTable }) };
      const load = await prepareLoad(config, deps, database, dump, signal, options);
      return inOneSession(config, deps, { database, load }, signal, (session, hold) => {
        const onCommit = () => {
          hold.onCommit();
          order.onCommit?.();
        };
        return replaceAtOnce(session, config, deps, { load: hold.load, order, onCommit });
      });
    },
  };
}
