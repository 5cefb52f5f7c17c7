import { HoldfastError } from '../core/errors.ts';
import type { Repository } from '../repository/repository.ts';

/** Where the agent remembers things between runs; the ledger keeps it. */
export interface Notes {
  remember(key: string, value: string): void;
  recall(key: string): string | null;
}

export interface Ensured {
  id: string;
  created: boolean;
}

/**
 * The repository's id. With `create` it is made if there never was one at this location: for what stores something, and not
 * for a check that would find an empty one sound.
 *
 * The id is remembered from the first time on. A repository that is absent then is an unmounted volume or a mistaken
 * location, and making a new empty one in its place would hide the loss of all backups: throws `repository_absent`.
 * One with another id throws `repository_changed`.
 */
export async function ensureRepository(
  repository: Repository,
  notes: Notes,
  signal: AbortSignal,
  { create = false }: { create?: boolean } = {},
): Promise<Ensured> {
  const key = noteOf(repository);
  const known = notes.recall(key);
  const found = await idOf(repository, signal);
  if (found === null && known !== null) {
    throw new HoldfastError(
      'repository_absent',
      `the repository at ${repository.location} was there before and is gone`,
      {
        hint: 'Mount its volume or correct its location; if it is lost for good, start a new one with `holdfast init --new`.',
      },
    );
  }
  if (found !== null && known !== null && found !== known) {
    throw new HoldfastError(
      'repository_changed',
      `the repository at ${repository.location} is another one than before (id ${found.slice(0, 10)}, expected ${known.slice(0, 10)})`,
      { hint: 'Check the location; if the change is meant, accept it with `holdfast init --new`.' },
    );
  }
  if (found === null && !create) {
    throw new HoldfastError('repository_absent', `there is no repository at ${repository.location} yet`, {
      hint: 'Check the location; the first `holdfast backup` makes it, and so does `holdfast init`.',
    });
  }
  const id = found ?? (await repository.create(signal));
  if (known === null) notes.remember(key, id);
  return { id, created: found === null };
}

/** Accepts whatever is at the location from now on, and creates a repository where there is none. */
export async function acceptRepository(
  repository: Repository,
  notes: Notes,
  signal: AbortSignal,
): Promise<Ensured> {
  const found = await idOf(repository, signal);
  const id = found ?? (await repository.create(signal));
  notes.remember(noteOf(repository), id);
  return { id, created: found === null };
}

/** The id that the repository had when it was last seen, or null. */
export function rememberedId(repository: Repository, notes: Notes): string | null {
  return notes.recall(noteOf(repository));
}

async function idOf(repository: Repository, signal: AbortSignal): Promise<string | null> {
  try {
    return await repository.identify(signal);
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'repository_absent') return null;
    throw error;
  }
}

function noteOf(repository: Repository): string {
  return `repository-id ${repository.location}`;
}
