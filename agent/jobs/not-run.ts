import { describeError, HoldfastError } from '../core/errors.ts';
import type { RunFacts, StepFacts } from '../ledger/ledger.ts';
import { EndedRun } from './job.ts';

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
  /extension "[^"]*" is not available|could not open extension control file|could not access file "[^"]*"|permission denied to create extension|must be superuser to create this extension|shared_preload_libraries|Unknown storage engine|Unknown collation/i;

/** Why a restore that failed has shown nothing, as a sentence part; null where it has. */
export function whyNothingShown(error: unknown): string | null {
  const { message } = describeError(error);
  if (NO_ROOM.test(message)) return `the scratch database had no room: ${message}`;
  if (LACKING.test(message)) return `the scratch server lacks what the dump needs: ${message}`;
  return null;
}
