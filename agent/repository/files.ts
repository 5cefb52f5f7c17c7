import { HoldfastError } from '../core/errors.ts';
import { fileNode, parseLine } from './messages.ts';
import type { Restic } from './restic.ts';
import type { Snapshot, StoredFile } from './repository.ts';

const LIST_TIMEOUT_MS = 120_000;

/** The files of a snapshot, or the one of a path, without a list of all. Takes no lock, so that it answers during a prune. */
export async function listFiles(
  restic: Restic,
  snapshot: Snapshot,
  signal: AbortSignal,
  path: string | null = null,
): Promise<StoredFile[]> {
  const args = ['ls', '--json', '--no-lock', snapshot.id, ...(path === null ? [] : [path])];
  const { stdout } = await restic.run(args, { timeoutMs: LIST_TIMEOUT_MS, signal });
  const lines = stdout.split('\n').filter((line) => line !== '');
  // A list that was cut short would make files look as if they were not there.
  if (!lines.every((line) => line.endsWith('}'))) {
    throw new HoldfastError(
      'repository_failed',
      `restic did not list the files of ${snapshot.shortId} whole`,
    );
  }
  return lines.flatMap((line) => {
    const node = parseLine(fileNode, line);
    return node === undefined ? [] : [{ path: node.path, bytes: node.size ?? 0 }];
  });
}
