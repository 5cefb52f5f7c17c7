import { counted } from '../../core/units.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import { rememberedId, type Notes } from '../init.ts';

/** A snapshot that a retention saw, and what a person is told of it should it be gone. */
export interface KnownSnapshot {
  id: string;
  /** UTC ISO 8601. */
  time: string;
  source: string;
}

/** What the last retention left in a repository, and what was missing already and nobody accepted. Empty before the first one. */
export function recallKnown(notes: Pick<Notes, 'recall'>, repositoryId: string): KnownSnapshot[] {
  return JSON.parse(notes.recall(noteOf(repositoryId)) ?? '[]') as KnownSnapshot[];
}

export function rememberKnown(notes: Notes, repositoryId: string, known: KnownSnapshot[]): void {
  notes.remember(noteOf(repositoryId), JSON.stringify(known));
}

export function knownFrom({ id, time, tags }: Snapshot): KnownSnapshot {
  return { id, time, source: tags?.source ?? '' };
}

/** Those that are in the list no more: removed by somebody else, or hidden by a list that is short. */
export function missingFrom(present: Snapshot[], known: KnownSnapshot[]): KnownSnapshot[] {
  const there = new Set(present.map(({ id }) => id));
  return known.filter(({ id }) => !there.has(id));
}

/** As a sentence part: how many, and the first few of them by name. */
export function missingWords(missing: KnownSnapshot[]): string {
  const shown = missing
    .slice(0, MOST_TOLD)
    .map(({ id, source, time }) => `${id.slice(0, 8)} of ${source}, ${time.slice(0, 19)}Z`);
  const more = missing.length > MOST_TOLD ? ` and ${missing.length - MOST_TOLD} more` : '';
  return `${counted(missing.length, 'snapshot')} (${shown.join('; ')}${more})`;
}

/**
 * The repository, by which whatever a run removes is known to no retention any more: what is gone then was not removed by us. It is noted
 * before, for an agent that is killed in between must not call its own work a loss; what is still there the next retention finds again.
 */
export function notingRemovals(repository: Repository, notes: Notes): Repository {
  const note = (ids: string[]) => {
    const repositoryId = rememberedId(repository, notes);
    if (repositoryId === null) return;
    const known = recallKnown(notes, repositoryId);
    const left = known.filter(({ id }) => !ids.includes(id));
    if (left.length < known.length) rememberKnown(notes, repositoryId, left);
  };
  return {
    ...repository,
    remove: (ids, signal) => {
      note(ids);
      return repository.remove(ids, signal);
    },
    forget: async (policy, filter, signal) => {
      const report = await repository.forget(policy, filter, signal);
      note(report.removed);
      return report;
    },
    repairs: {
      ...repository.repairs,
      dropUnreadable: async (ids, folder, signal) => {
        const gone = await repository.repairs.dropUnreadable(ids, folder, signal);
        note(gone);
        return gone;
      },
    },
  };
}

const MOST_TOLD = 5;

/** Of each repository its own. */
function noteOf(repositoryId: string): string {
  return `snapshots known to retention ${repositoryId}`;
}
