import type { Repository, Snapshot, SnapshotFilter } from '../repository/repository.ts';

/**
 * The repository for one piece of work that asks for its snapshots again and again: they are listed once, until something is stored or
 * removed through this. Each list costs the derivation of a key, most of a second of processor time. What others store meanwhile is not seen.
 */
export function listedOnce(repository: Repository): Repository {
  let listing: Promise<Snapshot[]> | null = null;
  const all = (signal: AbortSignal) => {
    listing ??= repository.list({}, signal).catch((error: unknown) => {
      listing = null;
      throw error;
    });
    return listing;
  };
  const changing =
    <Arguments extends unknown[], T>(act: (...given: Arguments) => Promise<T>) =>
    (...given: Arguments) =>
      act(...given).finally(() => (listing = null));
  return {
    ...repository,
    list: async (filter, signal) => (await all(signal)).filter((snapshot) => fits(snapshot, filter)),
    save: changing(repository.save),
    saveFolder: changing(repository.saveFolder),
    prepare: (target) => {
      const prepared = repository.prepare(target);
      return { ...prepared, save: changing(prepared.save) };
    },
    remove: changing(repository.remove),
    forget: changing(repository.forget),
  };
}

function fits({ tags }: Snapshot, { source, kind, tenants }: SnapshotFilter): boolean {
  return (
    (source === undefined || tags?.source === source) &&
    (kind === undefined || tags?.kind === kind) &&
    (tenants === undefined || (tags?.tenant !== undefined && tenants.includes(tags.tenant)))
  );
}
