import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { utc, type Clock } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  formatOverride,
  overrideMaxSeconds,
  overrideName,
  overrideReasonMax,
  readOverride,
  type Override,
} from '../../sentinel/override.ts';
import { replaceFile } from './status-folder.ts';

export interface OverridePlace {
  /** The status folder. */
  folder: string;
  ledger: Pick<Ledger, 'begin' | 'finish'>;
  clock: Clock;
  /** Who orders it, for the audit. */
  by: string;
}

/** The override in force, or null; `problem` says why a file that is there does nothing. */
export function currentOverride({ folder, clock }: Pick<OverridePlace, 'folder' | 'clock'>) {
  return readOverride(join(folder, overrideName), clock.now());
}

/**
 * Holds the gate open or closed for so many seconds, whatever the sentinel's verdict; it takes the place of an earlier
 * override. It is in the audit before it is in force: no gate is ever held by an order that nobody can find. Throws
 * `usage` for an end or a reason that is none.
 */
export async function holdGate(
  place: OverridePlace,
  { gate, seconds, reason }: { gate: Override['gate']; seconds: number; reason: string },
): Promise<Override> {
  const why = reason.trim();
  if (seconds > overrideMaxSeconds) {
    throw new HoldfastError('usage', 'an override lasts a day at most', {
      hint: 'Take `--for 24h`, and again tomorrow if it must be.',
    });
  }
  // One line of plain text: it stands in the history, in logs and on the page.
  if (why === '' || why.length > overrideReasonMax || /\p{Cc}/u.test(why)) {
    throw new HoldfastError('usage', `a reason is one line of at most ${overrideReasonMax} characters`, {
      hint: 'Say for those who read the history why it is held so: --reason "moving to the new server".',
    });
  }
  const setAt = place.clock.now();
  const until = new Date(setAt.getTime() + seconds * 1000);
  const override: Override = { version: 1, gate, setAt, until, reason: why };

  const done = gate === 'open' ? 'opened' : 'closed';
  audit(place.ledger, 'succeeded', `${done} until ${utc(until)} by ${place.by}: ${why}`);
  try {
    await replaceFile(place.folder, overrideName, formatOverride(override));
  } catch (cause) {
    throw notDone(place, 'the override could not be written', cause);
  }
  return override;
}

/** Ends the override that is in force and gives it; null where there was none. A file that does nothing is removed too. */
export async function releaseGate(place: OverridePlace): Promise<Override | null> {
  const { override, problem } = currentOverride(place);
  if (override === null && problem === null) return null;
  try {
    await rm(join(place.folder, overrideName), { force: true, recursive: true });
  } catch (cause) {
    throw notDone(place, 'the override could not be removed', cause);
  }
  const what =
    override === null
      ? 'removed an override that did nothing'
      : `ended the override until ${utc(override.until)}`;
  audit(place.ledger, 'succeeded', `${what}, by ${place.by}`);
  return override;
}

function notDone({ folder, ledger, by }: OverridePlace, what: string, cause: unknown): HoldfastError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const hint = 'HOLDFAST_STATUS_DIR names the folder; it must be mounted read-write for the agent.';
  audit(ledger, 'failed', `${what} by ${by} (${code})`, hint);
  return new HoldfastError('failed', `${what} in the status folder ${folder} (${code})`, { hint, cause });
}

/** An entry that is whole at once: a run that is going on at the same time would take an open one for a dead one. */
function audit(
  ledger: OverridePlace['ledger'],
  result: 'succeeded' | 'failed',
  reason: string,
  hint?: string,
): void {
  const id = ledger.begin({ job: 'gate', source: null, trigger: 'command' });
  ledger.finish(id, { result, reason, ...(hint === undefined ? {} : { hint }) });
}
