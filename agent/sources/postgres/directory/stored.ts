import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../core/errors.ts';
import type { StoredFolder } from '../../source.ts';
import type { ClientDeps } from '../../tools.ts';
import type { OpenArchive } from '../open-archive.ts';
import { contentsOf, TOC, type FileEntry } from './contents.ts';
import { makePlace, requireRoom, type Place } from './room.ts';

/** Reads the table of contents of a stored folder. Throws `restore_failed` for what is none, or of a format that is not known. */
export function readStoredContents(folder: StoredFolder): Promise<FileEntry[]> {
  return contentsOf(folder.read(TOC));
}

/**
 * Fetches a stored folder onto the disk, as pg_restore reads it; with `entries`, the files of those alone. Throws `target_full` where the
 * disk has no room for all of it.
 */
export async function fetchFolder(
  folder: StoredFolder,
  deps: Pick<ClientDeps, 'runtimeDir'>,
  entries: FileEntry[] | null,
): Promise<Place> {
  const place = await makePlace(deps.runtimeDir);
  try {
    if (entries === null && folder.bytes !== null) {
      await requireRoom(place.path, {
        bytes: folder.bytes,
        what: 'the dump',
        kind: 'target_full',
        otherwise: 'restore one tenant or some tables alone where that is enough',
      });
    }
    const files = entries?.flatMap(({ file }) => file ?? []) ?? null;
    await folder.fetch(place.path, files === null ? null : [TOC, ...files]);
    return place;
  } catch (error) {
    await place.remove();
    throw error;
  }
}

/** A stored folder as an archive from which one schema is restored: its files alone are fetched. */
export async function openFolder(
  folder: StoredFolder,
  schema: string,
  deps: Pick<ClientDeps, 'runtimeDir'>,
): Promise<OpenArchive> {
  const entries = await readStoredContents(folder);
  const place = await fetchFolder(
    folder,
    deps,
    entries.filter((entry) => entry.schema === schema),
  );
  return archiveIn(place, entries);
}

/** A folder on the disk as an archive whose rows may be asked for in any order. */
export function archiveIn(place: Place, entries: FileEntry[]): OpenArchive {
  const files = new Map(entries.map(({ id, file }) => [id, file]));
  return {
    entries,
    close: place.remove,
    async *rowsOf({ id, schema, tag }) {
      const path = join(place.path, files.get(id) ?? '');
      const isThere = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      );
      if (!isThere)
        throw new HoldfastError('restore_failed', `the rows of ${schema}.${tag} are not in the snapshot`);
      yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
    },
  };
}
