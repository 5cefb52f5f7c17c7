import type { SourceConfig } from '../config/config.ts';
import { createSource, type SourceDeps } from './create.ts';
import type { ScratchPlace } from './scratch.ts';
import type { Source } from './source.ts';
import { createThrowaway } from './throwaway/throwaway.ts';

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
  if (server === 'throw-away') return createThrowaway(source, config, deps);
  return standing(server === null ? source : createSource(server, deps), server === null);
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
