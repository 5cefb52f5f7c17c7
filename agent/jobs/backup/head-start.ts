import type { PreparedSave, Repository, SaveTarget } from '../../repository/repository.ts';
import type { Notes } from '../init.ts';

/**
 * Keeps the repository open for the part of a backup that comes next. restic derives its key for most of a second each time,
 * and one that derives while something else is waited for costs nothing.
 */
export interface HeadStart {
  /** Opens it for this part, while another one is being stored. What was prepared before must have been taken. */
  prepare(target: SaveTarget): void;
  /** Whether a dump of which so many bytes have passed will soon be at its end, by the size of the last one. Never, where there was none. */
  isNearEnd(dumpBytes: number): boolean;
  /** The save for this part: the one that was prepared, where it fits. */
  take(target: SaveTarget): Promise<PreparedSave>;
  /**
   * Ends what was prepared and not taken, and prepares nothing any more. To be awaited before anything that needs the
   * repository for itself.
   */
  end(): Promise<void>;
}

/** About as much of a dump passes while restic derives its key; and a second restic lies in memory for no longer than that. */
const NEAR_BYTES = 128 * 2 ** 20;

/** Begins with what the last backup of this source began with, and with nothing where there was none. */
export function createHeadStart(
  repository: Pick<Repository, 'prepare'>,
  notes: Pick<Notes, 'recall'>,
  source: string,
  compression: SaveTarget['compression'],
): HeadStart {
  const remembered = notes.recall(noteOf(source));
  const lastBytes = Number(notes.recall(sizeNoteOf(source)) ?? Infinity);
  let ahead: PreparedSave | null = null;
  let ending: Promise<void> | null = null;
  const prepare = (target: SaveTarget) => {
    if (ending === null) ahead = repository.prepare(target);
  };
  const cancel = async () => {
    const one = ahead;
    ahead = null;
    await one?.cancel();
  };
  if (remembered !== null) prepare({ ...(JSON.parse(remembered) as FirstPart), compression });
  return {
    prepare,
    isNearEnd: (dumpBytes) => dumpBytes >= lastBytes - NEAR_BYTES,
    take: async (target) => {
      const one = ahead;
      if (one !== null && isSame(one.target, target)) {
        ahead = null;
        return one;
      }
      await cancel();
      return repository.prepare(target);
    },
    end: () => (ending ??= cancel()),
  };
}

/** For the next backup of the source. */
export function rememberFirstPart(notes: Notes, source: string, target: SaveTarget): void {
  const { path, tags, time } = target;
  const note = JSON.stringify({ path, tags, ...(time === 'start' ? { time } : {}) } satisfies FirstPart);
  if (notes.recall(noteOf(source)) !== note) notes.remember(noteOf(source), note);
}

/** For the next backup of the source. */
export function rememberDumpBytes(notes: Notes, source: string, dumpBytes: number): void {
  notes.remember(sizeNoteOf(source), String(dumpBytes));
}

type FirstPart = Pick<SaveTarget, 'path' | 'tags' | 'time'>;

function noteOf(source: string): string {
  return `first part of ${source}`;
}

function sizeNoteOf(source: string): string {
  return `dump bytes of ${source}`;
}

function isSame(one: SaveTarget, other: SaveTarget): boolean {
  return (
    one.path === other.path &&
    one.compression === other.compression &&
    String(one.time) === String(other.time) &&
    one.tags.source === other.tags.source &&
    one.tags.engine === other.tags.engine &&
    one.tags.kind === other.tags.kind &&
    one.tags.tenant === other.tags.tenant
  );
}
