import { statfs } from 'node:fs/promises';
import { counted, humanBytes } from '../core/units.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { daysUntilFull, type Measured } from './forecast.ts';

export interface Space {
  /** Free for the repository; null where it lies elsewhere and nobody can tell. Bytes. */
  freeBytes: number | null;
  /** In how many days that is used up at its growth of late; null where nothing can be said. */
  fullInDays: number | null;
  /** Free for the ledger and the spool. Bytes. */
  stateFreeBytes: number | null;
  /** What a person should read, as sentence parts. */
  warnings: string[];
}

export interface SpaceFacts {
  /** The repository's folder; null where it lies elsewhere. */
  repository: string | null;
  repositoryId: string | null;
  state: string;
  /** Less than this is worth a warning; null for none. Bytes. */
  leastBytes: number | null;
}

/** A repository that is full within this many days is worth a warning however much is free today. */
const SOON_DAYS = 7;
const MEASURES = 30;

/** How much room there is, and for how long. What cannot be measured is null, never enough. */
export async function measureSpace(
  ledger: Pick<Ledger, 'recent'>,
  { repository, repositoryId, state, leastBytes }: SpaceFacts,
): Promise<Space> {
  const freeBytes = repository === null ? null : await freeIn(repository);
  const stateFreeBytes = await freeIn(state);
  const fullInDays =
    freeBytes === null ? null : daysUntilFull(repositorySizes(ledger, repositoryId), freeBytes);
  const when =
    fullInDays === null ? '' : `; at its growth of late that is used up in ${counted(fullInDays, 'day')}`;
  const isLittle = (bytes: number | null) => bytes !== null && leastBytes !== null && bytes < leastBytes;
  const than = `less than ${humanBytes(leastBytes ?? 0)} (HOLDFAST_FREE_SPACE)`;
  const warnings: string[] = [];
  if (isLittle(freeBytes)) {
    warnings.push(
      `the disk of the repository (${repository}) has ${humanBytes(freeBytes ?? 0)} left, ${than}${when}`,
    );
  } else if (leastBytes !== null && fullInDays !== null && fullInDays < SOON_DAYS) {
    warnings.push(`the disk of the repository (${repository}) has ${humanBytes(freeBytes ?? 0)} left${when}`);
  }
  if (isLittle(stateFreeBytes)) {
    warnings.push(
      `the disk of the ledger and the spool (${state}) has ${humanBytes(stateFreeBytes ?? 0)} left, ${than}`,
    );
  }
  return { freeBytes, fullInDays, stateFreeBytes, warnings };
}

/** What the repository took after each of the last checks, oldest first. */
export function repositorySizes(ledger: Pick<Ledger, 'recent'>, id: string | null): Measured[] {
  return ledger
    .recent({ job: 'check', result: 'succeeded', limit: MEASURES })
    .filter(({ facts }) => facts.repositoryId === id && facts.repositoryBytes !== undefined)
    .map(({ startedAt, facts }) => ({ at: startedAt, bytes: facts.repositoryBytes ?? 0 }))
    .reverse();
}

/** For a user who is not root; null where there is no such folder, or it does not answer. */
async function freeIn(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
