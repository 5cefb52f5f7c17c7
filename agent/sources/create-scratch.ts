import type { SourceConfig } from '../config/config.ts';
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
  return standing(server === null ? source : createSource(server, deps), server === null);
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
  const opened = {
    server,
    own,
    called: null,
    trouble: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
  return { open: () => Promise.resolve(opened) };
}
