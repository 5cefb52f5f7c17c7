import type { Ledger } from '../ledger/ledger.ts';
import type { Repository } from '../repository/repository.ts';
import { rememberedId, type Notes } from './init.ts';
import { namesOfPlaces, rememberPlaces, type Placed } from './same-place.ts';

/** Whose success the heartbeat tells of. */
export interface Heeded {
  repository: Pick<Repository, 'location'>;
  sources: Placed[];
}

/** From now on the heartbeat goes by this repository and these sources: they are the daemon's. */
export function heed({ repository: { location }, sources }: Heeded, notes: Notes): void {
  if (notes.recall(LOCATION) !== location) notes.remember(LOCATION, location);
  rememberPlaces(sources, notes);
}

/**
 * Whether a command may tell the sentinel of what it knows. One that looks into another repository than the daemon's, an older one say, or a
 * copy, has nothing to tell, unless the newest backup went there; and neither has one that was configured without some of the daemon's
 * sources, since their age would not count. Where no daemon ever ran, each command's own are the ones.
 */
export function isHeeded(
  { repository, sources }: { repository: Repository; sources: readonly string[] },
  ledger: Notes & Pick<Ledger, 'recent'>,
): boolean {
  return goesByRepository(repository, ledger) && sourcesLeftOut(sources, ledger).length === 0;
}

/** The daemon's sources that are not among these. */
export function sourcesLeftOut(sources: readonly string[], notes: Pick<Notes, 'recall'>): string[] {
  return namesOfPlaces(notes).filter((name) => !sources.includes(name));
}

function goesByRepository(repository: Repository, ledger: Notes & Pick<Ledger, 'recent'>): boolean {
  const location = ledger.recall(LOCATION);
  if (location === null || location === repository.location) return true;
  const [newest] = ledger.recent({ job: 'backup', result: 'succeeded', limit: 1 });
  const id = rememberedId(repository, ledger);
  return id !== null && newest?.facts.repositoryId === id;
}

const LOCATION = 'location of the repository of the daemon';
