import { posix } from 'node:path';
import { HoldfastError } from '../core/errors.ts';
import { withTakenIn } from '../core/shared-script.ts';
import type { PartKind } from '../core/glossary.ts';
import type { Repository, Snapshot, StoredFile } from '../repository/repository.ts';

/** What makes what a stored dump of a tenant needs beside itself. */
export interface StoredPrelude {
  script: Snapshot;
  /** The file that the script takes in; null where there is none of that name. */
  beside: (name: string) => Snapshot | null;
}

/** That of a dump of its own, which is a snapshot of its own and was begun before the dump; null where the repository holds none. */
export async function findPrelude(
  repository: Repository,
  dump: Snapshot,
  signal: AbortSignal,
): Promise<StoredPrelude | null> {
  if (dump.tags === null) return null;
  const { source, kind, tenant } = dump.tags;
  const stored = PRELUDE_KINDS[kind];
  if (stored === undefined || tenant === undefined) return null;
  const all = await repository.list({ source, kind: stored, tenants: [tenant] }, signal);
  const script = all.findLast(({ time }) => Date.parse(time) <= Date.parse(dump.time));
  return script === undefined ? null : { script, beside: () => null };
}

/** That of a dump out of a snapshot of many, which lies beside it; null where it is not there. */
export function preludeInSet(dump: Snapshot, files: Map<string, StoredFile>): StoredPrelude | null {
  const at = (path: string) => {
    const file = files.get(path);
    return file === undefined ? null : { ...dump, ...file };
  };
  const script = at(dump.path.replace(/\.dump$/, '.prelude.sql'));
  if (script === null) return null;
  return { script, beside: (name) => at(posix.join(posix.dirname(dump.path), name)) };
}

/** Its plain bytes, with those of the script that it takes in. Throws `repository_damaged` where that is not there. */
export function readPreludeOf(
  repository: Repository,
  { script, beside }: StoredPrelude,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  return withTakenIn(readWhole(repository, script, signal), (name) => {
    const other = beside(name);
    if (other !== null) return readWhole(repository, other, signal);
    throw new HoldfastError('repository_damaged', `${script.path} takes in ${name}, which is not beside it`, {
      hint: 'Run `holdfast check --all-data`, or restore another snapshot.',
    });
  });
}

async function* readWhole(
  repository: Repository,
  snapshot: Snapshot,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const reading = repository.read(snapshot, signal);
  yield* reading.stream;
  // The end of a damaged file is not the end of the script.
  await reading.done;
}

const PRELUDE_KINDS: Partial<Record<PartKind, PartKind>> = {
  tenant: 'tenant-prelude',
  'on-demand': 'on-demand-prelude',
};
