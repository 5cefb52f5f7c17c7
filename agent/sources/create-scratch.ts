import type { SourceConfig } from '../config/config.ts';
import { ANSWER_TIMEOUT_MS, whyNoAnswer } from './answers.ts';
import { createSource, type SourceDeps } from './create.ts';
import type { ScratchPlace } from './scratch.ts';
import type { Source } from './source.ts';

/** Where scratch databases of a source are made, as its configuration says. Touches nothing before it is opened. */
export function createScratchPlace(
  source: Source,
  config: SourceConfig,
  deps: SourceDeps & {
    /** Where throw-away servers have their folders. */
    throwawayDir: string;
  },
): ScratchPlace {
  const { server } = config.verify;
  if (server === 'throw-away') return throwaway(source, config, deps);
  return server === null ? standing(source, true) : standing(like(source, createSource(server, deps)), false);
}

/** Its databases are like the source's own, of which that server knows nothing; where nobody tells how that is, they are as the server has them. */
function like(source: Source, server: Source): Source {
  return {
    ...server,
    createDatabase: async (target, signal, made = null) => {
      const asked = made ?? (await source.madeAs?.(signal).catch(() => null)) ?? null;
      signal.throwIfAborted();
      return server.createDatabase(target, signal, asked);
    },
  };
}

/** Loaded where one is wanted. */
function throwaway(...[source, config, deps]: Parameters<typeof createScratchPlace>): ScratchPlace {
  return {
    open: async (need, signal) => {
      const { createThrowaway } = await import('./throwaway/throwaway.ts');
      return createThrowaway(source, config, deps).open(need, signal);
    },
  };
}

function standing(server: Source, own: boolean): ScratchPlace {
  const which = own ? 'the server of the source' : 'the scratch server';
  const open = () => {
    const openedAt = performance.now();
    const trouble = async () => {
      const why = await whyNoAnswer(server);
      if (why !== null) return `${which} does not answer any more: ${why}`;
      // One that was quick to come back answers, and has ended every connection.
      const uptime = await server.uptime(AbortSignal.timeout(ANSWER_TIMEOUT_MS)).catch(() => Infinity);
      const sinceOpened = (performance.now() - openedAt) / 1000;
      return uptime + WHOLE_SECOND < sinceOpened ? `${which} was started again meanwhile` : null;
    };
    return Promise.resolve({ server, own, called: null, trouble, close: () => Promise.resolve() });
  };
  return { open };
}

/** MySQL and MariaDB count no parts of it. */
const WHOLE_SECOND = 1;
