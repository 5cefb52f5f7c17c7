import type { Ledger } from '../ledger/ledger.ts';
import type { Repository } from '../repository/repository.ts';
import { rememberedId, type Notes } from './init.ts';

/** From now on the heartbeat goes by the repository at this location: it is the daemon's. */
export function heedRepository({ location }: Pick<Repository, 'location'>, notes: Notes): void {
  if (notes.recall(NOTE) !== location) notes.remember(NOTE, location);
}

/**
 * Whether the heartbeat goes by this repository. A command that looks into another one than the daemon's, an older one say, or a copy, has
 * nothing to tell the sentinel, unless the newest backup went there. Where no daemon ever ran, each command's own is the one.
 */
export function isHeeded(repository: Repository, ledger: Notes & Pick<Ledger, 'recent'>): boolean {
  const location = ledger.recall(NOTE);
  if (location === null || location === repository.location) return true;
  const [newest] = ledger.recent({ job: 'backup', result: 'succeeded', limit: 1 });
  const id = rememberedId(repository, ledger);
  return id !== null && newest?.facts.repositoryId === id;
}

const NOTE = 'location of the repository of the daemon';
