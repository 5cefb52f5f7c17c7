import type { Restored } from '../../sources/source.ts';
import type { JobContext } from '../job.ts';
import { giveSnapshot, loadSnapshot } from './load.ts';
import { expected } from '../size-up.ts';
import type { Restoration } from './restoration.ts';

/** Loads the snapshot of a restore into a database of any name, telling how far it is. */
export async function loadInto(
  restoration: Restoration,
  target: string,
  {
    replace = false,
    fresh = false,
    forGood = false,
  }: { replace?: boolean; fresh?: boolean; forGood?: boolean } = {},
): Promise<Restored> {
  const { source, tables, settings } = restoration;
  const options = {
    owners: settings.owners,
    replace,
    fresh,
    forGood,
    ...(tables === null ? {} : { tables }),
  };
  return loadSnapshot({ ...storedOf(restoration, target), source, options }, telling(restoration));
}

/** Gives it to what loads it in another way, telling the same. */
export async function giveTo(
  restoration: Restoration,
  target: string,
  load: Parameters<typeof giveSnapshot>[2],
): Promise<Restored> {
  return giveSnapshot(storedOf(restoration, target), telling(restoration), load);
}

function storedOf({ snapshot, size, tables, rowsIn, settings }: Restoration, target: string) {
  const { repository } = settings;
  return { repository, snapshot, target, tables: tables === null ? size.tables : rowsIn.length };
}

function telling({ size, tables, context }: Restoration): JobContext {
  return {
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
  };
}
