import { HoldfastError } from '../core/errors.ts';
import { isFolder, type StoredDump } from './source.ts';

/** The bytes of a dump by an engine that stores no folders. */
export function bytesOf(dump: StoredDump): AsyncIterable<Buffer> {
  if (!isFolder(dump)) return dump;
  throw new HoldfastError('restore_failed', 'the snapshot holds a folder, which is no dump of this engine', {
    hint: 'Restore another snapshot.',
  });
}
