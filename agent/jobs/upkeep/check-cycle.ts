import { humanBytes, humanDuration } from '../../core/units.ts';
import type { Notes } from '../init.ts';

/** How the data of a repository is read in parts: one after each so many backups, so that all of it is read once in a while. */
export interface CyclePlan {
  /** In which time all of it is to be read. Seconds; null: data is never read by schedule, the structure alone is checked. */
  seconds: number | null;
  /** How much one check may read; null for no limit. It wins over the time. */
  maxBytes: number | null;
  /** How long it takes from one check to the next by schedule. Seconds; null where the schedule does not tell. */
  betweenSeconds: number | null;
}

/** How far the reading is. Kept in the notes of the ledger, of each repository its own. */
export interface Cycle {
  /** The part that comes next, from 1. */
  next: number;
  of: number;
  /** When the first part of this cycle was read; null before it. UTC ISO 8601. */
  startedAt: string | null;
  /** When all of the data had last been read; null for never. UTC ISO 8601. */
  completedAt: string | null;
}

/** The part that a check is about to read, and what is to be said of the choice. */
export interface NextPart {
  part: number;
  of: number;
  /** Sentence parts: that the reading begins anew, that it takes longer than it should. */
  remarks: string[];
}

/** restic tells parts by the first byte of a pack's name. */
const MOST_PARTS = 256;
/** A repository grows while it is read: without room the limit would be passed, and the cycle begin anew, again and again. */
const ROOM = 1.25;

/**
 * The next part. A cycle keeps its number of parts to its end, for another number would read some packs twice and others
 * never; it begins anew only where a part has outgrown the limit, or the plan wants less than half as many parts.
 */
export function nextPart(cycle: Cycle | null, plan: CyclePlan, repositoryBytes: number): NextPart {
  const wanted = partsFor(plan, repositoryBytes);
  const tooLarge = plan.maxBytes !== null && cycle !== null && repositoryBytes / cycle.of > plan.maxBytes;
  const anew = cycle === null || cycle.next === 1 || (tooLarge && wanted > cycle.of) || wanted * 2 < cycle.of;
  const of = anew ? wanted : cycle.of;
  const part = anew ? 1 : cycle.next;
  const remarks: string[] = [];
  if (anew && cycle !== null && cycle.next > 1) {
    remarks.push(`reading begins anew, in ${of} parts in place of ${cycle.of}`);
  }
  const { seconds, betweenSeconds, maxBytes } = plan;
  if (seconds !== null && betweenSeconds !== null && of * betweenSeconds > seconds * ROOM && of > 1) {
    const why =
      maxBytes === null ? '' : `, for one check reads at most ${humanBytes(maxBytes)} (BACKUP_CHECK_BYTES)`;
    remarks.push(
      `all data is read once in ${humanDuration(of * betweenSeconds * 1000)} and not in ${humanDuration(seconds * 1000)}${why}`,
    );
  }
  if (maxBytes !== null && repositoryBytes / of > maxBytes) {
    remarks.push(
      `a part takes ${humanBytes(Math.round(repositoryBytes / of))}, more than ${humanBytes(maxBytes)}: restic knows no more than ${MOST_PARTS} parts`,
    );
  }
  return { part, of, remarks };
}

/** How far it is once that part is found sound. */
export function advanced(cycle: Cycle | null, { part, of }: NextPart, at: string): Cycle {
  const startedAt = part === 1 ? at : (cycle?.startedAt ?? at);
  const completedAt = cycle?.completedAt ?? null;
  return part === of
    ? { next: 1, of, startedAt: null, completedAt: at }
    : { next: part + 1, of, startedAt, completedAt };
}

/** After every byte was read at once. */
export function completed(at: string): Cycle {
  return { next: 1, of: 1, startedAt: null, completedAt: at };
}

export function recallCycle(notes: Pick<Notes, 'recall'>, repositoryId: string): Cycle | null {
  return JSON.parse(notes.recall(noteOf(repositoryId)) ?? 'null') as Cycle | null;
}

export function rememberCycle(notes: Notes, repositoryId: string, cycle: Cycle): void {
  notes.remember(noteOf(repositoryId), JSON.stringify(cycle));
}

function partsFor({ seconds, betweenSeconds, maxBytes }: CyclePlan, bytes: number): number {
  const byTime = seconds === null || betweenSeconds === null ? 1 : Math.floor(seconds / betweenSeconds);
  const bySize = maxBytes === null ? 1 : Math.ceil((bytes * ROOM) / maxBytes);
  return Math.min(MOST_PARTS, Math.max(1, byTime, bySize));
}

function noteOf(repositoryId: string): string {
  return `check cycle ${repositoryId}`;
}
