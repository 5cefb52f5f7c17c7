import { peekContents, type WholeEntry } from './archive-contents.ts';
import { fetchFolder, readStoredContents } from './directory/stored.ts';
import { isFolder, type StoredDump } from '../source.ts';
import type { ClientDeps } from '../tools.ts';

/** Reads what a stored dump holds, of an archive without losing a byte of it; `give` or `close` must be called, once. */
export async function openStored(dump: StoredDump, deps: ClientDeps): Promise<OpenedDump> {
  if (!isFolder(dump)) {
    const { entries, archive, close } = await peekContents(dump);
    return {
      entries,
      close,
      give: () => Promise.resolve({ stream: archive, folder: null, remove: () => Promise.resolve() }),
    };
  }
  const entries = await readStoredContents(dump);
  return {
    entries,
    give: async (chosen) => {
      const ids = chosen === null ? null : new Set(chosen.map(({ id }) => id));
      const place = await fetchFolder(
        dump,
        deps,
        ids === null ? null : entries.filter(({ id }) => ids.has(id)),
      );
      return { stream: nothing(), folder: place.path, remove: place.remove };
    },
    close: () => Promise.resolve(),
  };
}

/** A stored dump, of which the contents are known. */
export interface OpenedDump {
  /** Null where the archive's format is not known. */
  entries: WholeEntry[] | null;
  /** What pg_restore is given; of a folder only what these entries need, everything for null. */
  give(chosen: WholeEntry[] | null): Promise<GivenDump>;
  /** Ends whoever gives the bytes, where nobody will read them. */
  close(): Promise<void>;
}

/** What pg_restore reads. */
export interface GivenDump {
  /** What goes into its stdin. */
  stream: AsyncIterable<Buffer>;
  /** What it reads instead; null for nothing. */
  folder: string | null;
  /** Removes what is on the disk. */
  remove(): Promise<void>;
}

async function* nothing(): AsyncGenerator<Buffer> {
  // All of it lies on the disk.
}
