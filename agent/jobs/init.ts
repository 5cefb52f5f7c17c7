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
 * The repository's id. With `create` it is made if this agent never had one: for what stores something, and not for a check
 * that would find an empty one sound.
 *
 * The id is remembered from the first time on, and so is where it was. A repository that is absent then is an unmounted
 * volume or a mistaken location, and making a new empty one would hide the loss of all backups: throws `repository_absent`.
 * One with another id throws `repository_changed`. The same repository at another location has moved, which is fine.
 */
export async function ensureRepository(
  repository: Repository,
  notes: Notes,
  signal: AbortSignal,
  { create = false }: { create?: boolean } = {},
): Promise<Ensured> {
  const expected = expectationOf(repository, notes);
  const found = await idOf(repository, signal);
  if (found === null && expected !== null) throw absent(repository, expected);
  if (found !== null && expected !== null && !expected.ids.includes(found)) {
    throw changed(repository, expected, found);
  }
  if (found === null && !create) {
    throw new HoldfastError('repository_absent', `there is no repository at ${repository.location} yet`, {
      hint: 'Check the location; the first `holdfast backup` makes it, and so does `holdfast init`.',
    });
  }
  const id = found ?? (await repository.create(signal));
  rememberRepository(repository, notes, id);
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
  rememberRepository(repository, notes, id);
  return { id, created: found === null };
}

/** The id that the repository at this location had when it was last seen there, or null. */
export function rememberedId(repository: Repository, notes: Notes): string | null {
  return notes.recall(noteOf(repository));
}

/** Whether this agent ever had a repository, here or elsewhere: none is made by itself any more. */
export function hadRepository(repository: Repository, notes: Notes): boolean {
  return expectationOf(repository, notes) !== null;
}

/** Whether this agent has stored into the repository with this id: only in such a one can anything of its own lie. */
export function isFamiliar(repository: Repository, notes: Notes, id: string): boolean {
  return expectationOf(repository, notes)?.ids.includes(id) === true;
}

interface Expectation {
  /** Each of them is good: what was here, and what was used last, wherever that was. */
  ids: string[];
  /** Where it was; null where it was here. */
  elsewhere: string | null;
}

/** Null before the first repository. */
function expectationOf(repository: Repository, notes: Notes): Expectation | null {
  const here = notes.recall(noteOf(repository));
  const last = lastUsed(notes);
  const ids = new Set([here, last?.id].filter((id) => typeof id === 'string'));
  if (ids.size === 0) return null;
  return { ids: [...ids], elsewhere: here === null ? (last?.location ?? null) : null };
}

function absent({ location }: Repository, { elsewhere }: Expectation): HoldfastError {
  if (elsewhere === null) {
    return new HoldfastError(
      'repository_absent',
      `the repository at ${location} was there before and is gone`,
      {
        hint: 'Mount its volume or correct its location; if it is lost for good, start a new one with `holdfast init --new`.',
      },
    );
  }
  return new HoldfastError(
    'repository_absent',
    `there is no repository at ${location}; until now backups went to ${elsewhere}`,
    {
      hint: 'Mount its volume or correct the location; if backups are to go there from now on, make a new repository with `holdfast init --new`.',
    },
  );
}

function changed({ location }: Repository, { ids, elsewhere }: Expectation, found: string): HoldfastError {
  const short = (id: string) => id.slice(0, 10);
  const than = elsewhere === null ? 'before' : `the one at ${elsewhere}, where backups went until now`;
  return new HoldfastError(
    'repository_changed',
    `the repository at ${location} is another one than ${than} (id ${short(found)}, expected ${ids.map(short).join(' or ')})`,
    { hint: 'Check the location; if the change is meant, accept it with `holdfast init --new`.' },
  );
}

async function idOf(repository: Repository, signal: AbortSignal): Promise<string | null> {
  try {
    return await repository.identify(signal);
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'repository_absent') return null;
    throw error;
  }
}

/** Of each location the id that was seen there. */
function noteOf(repository: Repository): string {
  return `repository-id ${repository.location}`;
}

/** The one that was used last, and where. */
const LAST_USED = 'repository-last-used';

function lastUsed(notes: Notes): { id: string; location: string } | null {
  return JSON.parse(notes.recall(LAST_USED) ?? 'null') as { id: string; location: string } | null;
}

function rememberRepository(repository: Repository, notes: Notes, id: string): void {
  const last = JSON.stringify({ id, location: repository.location });
  if (notes.recall(noteOf(repository)) !== id) notes.remember(noteOf(repository), id);
  if (notes.recall(LAST_USED) !== last) notes.remember(LAST_USED, last);
}
