import type { Restored } from '../../sources/source.ts';
import { loadSnapshot } from './load.ts';
import { expected } from '../size-up.ts';
import type { Restoration } from './restoration.ts';

/** Loads the snapshot of a restore into a database of any name, telling how far it is. */
export async function loadInto(
  { source, snapshot, size, tables, rowsIn, settings, context }: Restoration,
  target: string,
  { replace = false, fresh = false }: { replace?: boolean; fresh?: boolean } = {},
): Promise<Restored> {
  const { repository, owners } = settings;
  return loadSnapshot(
    {
      repository,
      snapshot,
      source,
      target,
      tables: tables === null ? size.tables : rowsIn.length,
      options: { owners, replace, fresh, ...(tables === null ? {} : { tables }) },
    },
    {
      ...context,
      onProgress: (progress) => {
        size.loadedBytes = progress.dumpBytes;
        context.onProgress({
          ...progress,
          ...(size.dumpBytes === null ? {} : { totalBytes: size.dumpBytes }),
          // Of chosen tables nobody knows how long they take.
          ...(tables === null ? expected(size, 'restore') : {}),
        });
      },
    },
  );
}
