import type { Restored } from '../sources/source.ts';
import { loadSnapshot } from './load.ts';
import type { Restoration } from './restore.ts';

/** Loads the snapshot of a restore into a database of any name, telling how far it is. */
export async function loadInto(
  { source, snapshot, size, tables, settings, context }: Restoration,
  target: string,
  { replace = false }: { replace?: boolean } = {},
): Promise<Restored> {
  const { repository, owners } = settings;
  return loadSnapshot(
    {
      repository,
      snapshot,
      source,
      target,
      options: { owners, replace, ...(tables === null ? {} : { tables }) },
    },
    (progress) => {
      size.loadedBytes = progress.dumpBytes;
      context.onProgress(size.dumpBytes === null ? progress : { ...progress, totalBytes: size.dumpBytes });
    },
    context.signal,
  );
}
