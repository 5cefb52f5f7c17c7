import type { Repository, Snapshot } from '../../repository/repository.ts';

/**
 * The repository, which lists the snapshots of this source when it is first asked for any of them, and no second time: each look costs
 * restic the derivation of its key. For what looks at one moment and changes nothing.
 */
export function listedOnce(repository: Repository, source: string): Repository {
  let listed: Promise<Snapshot[]> | null = null;
  return {
    ...repository,
    list: async (filter, signal) => {
      if (filter.source !== source || filter.tenants !== undefined) return repository.list(filter, signal);
      const all = await (listed ??= repository.list({ source }, signal));
      return all.filter(({ tags }) => filter.kind === undefined || tags?.kind === filter.kind);
    },
  };
}
