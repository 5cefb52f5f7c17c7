import { describeError, HoldfastError, LackingError } from '../../core/errors.ts';
import type { RunFacts, StepFacts } from '../../ledger/ledger.ts';
import { EndedRun } from '../job.ts';

/**
 * The end of a verification that could not be tried: it says nothing of the snapshot, and must never look as if it did. It ends as
 * `skipped`, which no report takes for a success.
 */
export function notRun(cause: unknown, facts: RunFacts, steps: StepFacts[] = []): EndedRun {
  const { kind, message, hint } = describeError(cause);
  const why = new HoldfastError(kind, `not verified: ${message}`, {
    cause,
    ...(hint === null ? {} : { hint }),
  });
  return new EndedRun('skipped', why, {
    ...facts,
    verification: { verdict: 'not run', why: message, restoreSeconds: null, steps },
  });
}

/** What a server says when the scratch has no room, or when it lacks what the source's server has. Nothing of it is the snapshot's fault. */
const NO_ROOM =
  /no space left|disk full|could not (extend|write|create) file|table '[^']*' is full|errcode: 28|error writing file|quota exceeded/i;
const LACKING =
  /extension "[^"]*" is not available|could not open extension control file|could not access file "[^"]*"|shared_preload_libraries|Unknown storage engine|Unknown collation|collation "[^"]*" for encoding "[^"]*" does not exist|role "[^"]*" does not exist|"default_tablespace"/i;
/** Rights that a restore in earnest has. */
const RIGHTS = /permission denied|must be (a )?(superuser|owner|member)|only superusers? can/i;
/** A view or trigger of MySQL's may name another database, which is not there. */
const ELSEWHERE = /Unknown database '|Table '(?!holdfast_scratch_)[^'.]+\.[^']*' doesn't exist/i;
const NO_MEMORY = /out of (shared )?memory|cannot allocate memory/i;

/** What a server says when it goes down, or somebody on it ended the connection: what came back until then may be whole. */
const ENDED =
  /ERROR (1053|1927|4031) \(|terminating connection|the database system is (shutting down|starting up|in recovery)/i;

/** That the scratch server was lost on the way, which may answer again by now, as a sentence part; null where it was not. */
export function whyLost(error: unknown): string | null {
  const { kind, message } = describeError(error);
  const lost = kind === 'source_unreachable' || (kind === 'restore_failed' && ENDED.test(message));
  return lost ? `the connection to the scratch server was lost: ${message}` : null;
}

/** What is said of a connection that broke without a word of why. The dump may be at fault: a server ends one that sends too large a packet. */
const BROKEN =
  /ERROR (2002|2003|2006|2013|2026|2055) \(|connection|socket|gone away|could not (send data to|receive data from) server|broken pipe|ECONN|EPIPE/i;

/** Whether it speaks of a broken connection, which is an excuse where the server is away. */
export function isBroken(error: unknown): boolean {
  return whyLost(error) !== null || BROKEN.test(describeError(error).message);
}

/** Why a restore that failed has shown nothing, as a sentence part; null where it has. */
export function whyNothingShown(error: unknown): string | null {
  const { kind, message } = describeError(error);
  const lost = whyLost(error);
  if (lost !== null) return lost;
  if (NO_ROOM.test(message)) return `the scratch database had no room: ${message}`;
  const lacks = `the scratch server lacks what the dump needs: ${message}`;
  if (isLacking(error) || LACKING.test(message) || kind === 'rights_missing') return lacks;
  // A repository may be out of memory or shut too, and says so in the same words.
  if (kind !== 'restore_failed') return null;
  if (NO_MEMORY.test(message)) return `the scratch server had no memory for it: ${message}`;
  if (RIGHTS.test(message) || ELSEWHERE.test(message)) return lacks;
  return null;
}

/** Also where somebody has said more of it. */
function isLacking(error: unknown): boolean {
  return error instanceof LackingError || (error instanceof Error && isLacking(error.cause));
}
