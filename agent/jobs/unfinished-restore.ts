import { HoldfastError } from '../core/errors.ts';
import type { Notes } from './init.ts';

/**
 * A mark on a source whose database is being overwritten, set before it is emptied and taken away when it is whole
 * again. While it stands the database holds an unknown part of a dump, and a backup of it would count as good and, with
 * time, push the good ones out. It is durable: an agent that is killed cannot take it away.
 */
export function markUnfinished(notes: Notes, source: string, what: { snapshot: string; at: string }): void {
  notes.remember(noteOf(source), JSON.stringify(what));
}

/** The database is whole again, or a person says so. */
export function clearUnfinished(notes: Notes, source: string): void {
  if (notes.recall(noteOf(source)) !== null) notes.remember(noteOf(source), DONE);
}

/** Throws `restore_failed` while the mark stands. */
export function refuseUnfinished(notes: Notes, source: string): void {
  const note = notes.recall(noteOf(source));
  if (note === null || note === DONE) return;
  const { snapshot, at } = JSON.parse(note) as { snapshot: string; at: string };
  throw new HoldfastError(
    'restore_failed',
    `${source} holds the rest of a restore of ${snapshot} that was begun ${at} and never ended`,
    {
      hint: `Run \`holdfast restore ${source} --snapshot ${snapshot} --yes\` again; if the database is whole by now, say so with \`holdfast backup --mended\`.`,
    },
  );
}

const DONE = '';

function noteOf(source: string): string {
  return `unfinished restore of ${source}`;
}
