import type { Clock } from '../../core/clock.ts';
import { counted } from '../../core/units.ts';
import type { Repository, SavedSnapshot, Snapshot, SnapshotTags } from '../../repository/repository.ts';
import { rememberedId, type Notes } from '../init.ts';

/** A snapshot that a retention saw, and what a person is told of it should it be gone. */
export interface KnownSnapshot {
  id: string;
  /** UTC ISO 8601. */
  time: string;
  source: string;
}

/** What the last retention left in a repository, what was missing already and nobody accepted, and what our runs have stored since then. */
export function recallKnown(notes: Pick<Notes, 'recall'>, repositoryId: string): KnownSnapshot[] {
  return [...read(notes, leftIn(repositoryId)), ...read(notes, storedIn(repositoryId))];
}

/** In the place of all that was known. */
export function rememberKnown(notes: Notes, repositoryId: string, known: KnownSnapshot[]): void {
  write(notes, leftIn(repositoryId), known);
  if (read(notes, storedIn(repositoryId)).length > 0) write(notes, storedIn(repositoryId), []);
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
 * The repository, by which whatever a run stores is known to the next retention, and whatever a run removes is not any more: what is missing
 * then was not removed by us. A removal is noted before, for an agent that is killed in between must not call its own work a loss; what is
 * still there the next retention finds again. Where retention is switched off, whoever removes instead tells nobody: nothing stored is noted.
 */
export function notingSnapshots(
  repository: Repository,
  notes: Notes,
  { clock, retention }: { clock: Clock; retention: boolean },
): Repository {
  const removed = (ids: string[]) => {
    const repositoryId = rememberedId(repository, notes);
    if (repositoryId === null) return;
    for (const note of [leftIn(repositoryId), storedIn(repositoryId)]) {
      const known = read(notes, note);
      const left = known.filter(({ id }) => !ids.includes(id));
      if (left.length < known.length) write(notes, note, left);
    }
  };
  const stored = <T extends SavedSnapshot>({ source, kind }: SnapshotTags, saved: T): T => {
    const repositoryId = rememberedId(repository, notes);
    if (repositoryId === null || kind === 'ledger') return saved;
    if (!retention) {
      // Once it is on again, what went meanwhile is not missed.
      if (recallKnown(notes, repositoryId).length > 0) rememberKnown(notes, repositoryId, []);
      return saved;
    }
    const note = storedIn(repositoryId);
    const one = { id: saved.id, time: clock.now().toISOString(), source };
    write(notes, note, [...read(notes, note), one].slice(-MOST_STORED));
    return saved;
  };
  return {
    ...repository,
    save: async (request, signal) => stored(request.tags, await repository.save(request, signal)),
    saveFolder: async (request, signal) => stored(request.tags, await repository.saveFolder(request, signal)),
    prepare: (target) => {
      const prepared = repository.prepare(target);
      return {
        ...prepared,
        save: async (dump, signal) => stored(target.tags, await prepared.save(dump, signal)),
      };
    },
    remove: (ids, signal) => {
      removed(ids);
      return repository.remove(ids, signal);
    },
    forget: async (policy, filter, signal) => {
      const report = await repository.forget(policy, filter, signal);
      removed(report.removed);
      return report;
    },
    repairs: {
      ...repository.repairs,
      dropUnreadable: async (ids, folder, signal) => {
        const gone = await repository.repairs.dropUnreadable(ids, folder, signal);
        removed(gone);
        return gone;
      },
    },
  };
}

const MOST_TOLD = 5;
/** Where no retention comes to its end for a long time: the newest, for the note is written with each. */
const MOST_STORED = 10_000;

/** Of each repository its own. */
function leftIn(repositoryId: string): string {
  return `snapshots known to retention ${repositoryId}`;
}

/** Apart, for it is written with each snapshot and stays short. */
function storedIn(repositoryId: string): string {
  return `snapshots stored since retention ${repositoryId}`;
}

function read(notes: Pick<Notes, 'recall'>, note: string): KnownSnapshot[] {
  return JSON.parse(notes.recall(note) ?? '[]') as KnownSnapshot[];
}

function write(notes: Notes, note: string, known: KnownSnapshot[]): void {
  notes.remember(note, JSON.stringify(known));
}
