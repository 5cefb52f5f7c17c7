import { HoldfastError } from '../../core/errors.ts';
import type { SwapPlan } from '../../sources/source.ts';
import type { Notes } from '../init.ts';

/** A restore that has begun to change the source's database. */
export interface Unfinished {
  /** The snapshot's short id. */
  snapshot: string;
  /** UTC ISO 8601. */
  at: string;
  /** What it was told, which is to be said again to finish it: some tables alone, that it may empty and load, that it need not be compared. */
  tables?: string[];
  inPlace?: true;
  unverified?: true;
  /** How it is put in order, where it is a swap. */
  swap?: SwapPlan;
}

/** The command that finishes it. */
export function restoreAgain(source: string, { snapshot, tables, inPlace, unverified }: Unfinished): string {
  return [
    `holdfast restore ${source} --snapshot ${snapshot}`,
    ...(tables === undefined ? [] : [`--tables ${tables.join(',')}`]),
    '--yes',
    ...(inPlace === true ? ['--in-place'] : []),
    ...(unverified === true ? ['--unverified'] : []),
  ].join(' ');
}

/**
 * A mark on a source whose database is being overwritten, set before it is emptied or swapped and taken away when it is whole
 * again. While it stands the database holds an unknown part of a dump, and a backup of it would count as good and, with
 * time, push the good ones out. It is durable: an agent that is killed cannot take it away.
 */
export function markUnfinished(notes: Notes, source: string, what: Unfinished): void {
  const older = readMark(notes, source);
  // A swap alone can be undone, and what was not whole before is not whole then.
  const before = what.swap === undefined ? beyond(what, older) : older;
  const mark: Mark = before === null ? what : { ...what, before };
  notes.remember(noteOf(source), JSON.stringify(mark));
}

/** What the last mark speaks of is whole again: the database, or some tables, without which an older restore of more may not be whole yet. */
export function endUnfinished(notes: Notes, source: string): void {
  const mark = readMark(notes, source);
  if (mark === null) return;
  const before = beyond(mark, mark.before ?? null);
  if (before === null) clearUnfinished(notes, source);
  else notes.remember(noteOf(source), JSON.stringify(before));
}

/** The database is whole again, or a person says so. */
export function clearUnfinished(notes: Notes, source: string): void {
  if (notes.recall(noteOf(source)) !== null) notes.remember(noteOf(source), DONE);
}

/** The database is as it was before the last mark: where that was not whole, it is not now. */
export function withdrawUnfinished(notes: Notes, source: string): void {
  const before = readMark(notes, source)?.before;
  if (before === undefined) clearUnfinished(notes, source);
  else notes.remember(noteOf(source), JSON.stringify(before));
}

/** A swap that was cut off and is not put in order yet. */
export function unfinishedSwap(notes: Notes, source: string): SwapPlan | null {
  return readMark(notes, source)?.swap ?? null;
}

/** Throws `restore_failed` while the mark stands. */
export function refuseUnfinished(notes: Notes, source: string): void {
  const mark = readMark(notes, source);
  if (mark === null) return;
  const { snapshot, at, swap } = mark;
  throw new HoldfastError(
    'restore_failed',
    `${source} holds the rest of a restore of ${snapshot} that was begun ${at} and never ended`,
    {
      hint:
        swap === undefined
          ? `Run \`${restoreAgain(source, mark)}\` again; if the database is whole by now, say so with \`holdfast backup --mended\`.`
          : 'Each command tries first to end it or to undo it: the log says what keeps it from that.',
    },
  );
}

const DONE = '';

type Mark = Unfinished & { before?: Mark };

/** What of the older marks is not whole by this one. */
function beyond(what: Unfinished, older: Mark | null): Mark | null {
  let left = older;
  while (left !== null && covers(what, left)) left = left.before ?? null;
  return left;
}

/** Whether the one ends what the other began: all of it, or its tables. */
function covers({ tables }: Unfinished, other: Unfinished): boolean {
  if (tables === undefined) return true;
  return other.tables?.every((name) => tables.includes(name)) ?? false;
}

function readMark(notes: Notes, source: string): Mark | null {
  const note = notes.recall(noteOf(source));
  return note === null || note === DONE ? null : (JSON.parse(note) as Mark);
}

function noteOf(source: string): string {
  return `unfinished restore of ${source}`;
}
