import { HoldfastError } from '../core/errors.ts';
import type { Repository } from './repository.ts';

/** Stands where the configuration names no repository: whatever is asked of it throws `configuration`, and nothing is stored anywhere. */
export function createUnnamedRepository(): Repository {
  const refuse = () => Promise.reject(unnamed());
  return {
    location: '',
    toolVersion: refuse,
    identify: refuse,
    reach: refuse,
    create: refuse,
    save: refuse,
    prepare: (target) => ({
      target,
      startedAt: new Date(0),
      save: refuse,
      cancel: () => Promise.resolve(),
    }),
    saveFolder: refuse,
    files: refuse,
    list: refuse,
    hosts: refuse,
    read: () => {
      throw unnamed();
    },
    fetch: refuse,
    remove: refuse,
    preview: refuse,
    forget: refuse,
    prune: refuse,
    check: refuse,
    diagnose: refuse,
    repairs: { index: refuse, packs: refuse, usersOf: refuse, broken: refuse, dropUnreadable: refuse },
    stats: refuse,
    clearDeadLocks: refuse,
  };
}

export function unnamed(): HoldfastError {
  return new HoldfastError('configuration', 'no repository is named', {
    hint: 'Set RESTIC_REPOSITORY (repository.location in a file).',
  });
}
