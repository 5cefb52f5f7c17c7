/**
 * The override: a person's order to hold the gate open or closed for a while whatever the verdict, as the agent leaves it
 * in the status folder. It always has an end and a reason, and it does nothing when it is not exactly as it should be.
 */
import { readSmallFile } from './small-file.ts';

/** Name of its file in the status folder. */
export const overrideName = 'override.json';

/** The longest that one override may last: a day. Another one may follow it, and is in the audit then. */
export const overrideMaxSeconds = 86_400;

/** Characters of a reason. */
export const overrideReasonMax = 200;

export interface Override {
  version: 1;
  /** What it holds the gate at. */
  gate: 'open' | 'closed';
  setAt: Date;
  /** From here on it is over. */
  until: Date;
  /** One line, by the person who gave the order. */
  reason: string;
}

/** One that is in force, or null; `problem` says why a file that is there does nothing: a phrase for the operator. */
export type OverrideState =
  { override: Override; problem: null } | { override: null; problem: string | null };

/** The content of the file. */
export function formatOverride(override: Override): string {
  return `${JSON.stringify(override, null, 2)}\n`;
}

/** Reads the file and judges it at that moment; never throws. One that is over is no problem: that is how it ends. */
export function readOverride(path: string, now: Date): OverrideState {
  const file = readSmallFile(path, maxBytes);
  if (!file.ok) return none(file.reason === 'missing' ? null : file.detail);

  const override = parse(file.text);
  return override === null ? none('it is not understood') : judge(override, now);
}

/** What it comes to at that moment. */
export function judge(override: Override, now: Date): OverrideState {
  const setAt = override.setAt.getTime();
  const until = override.until.getTime();
  if (until <= now.getTime()) return none(null);
  if (until - setAt > overrideMaxSeconds * 1000) return none('it is longer than a day');
  // A clock that was set back would make it last for longer than was asked for.
  if (setAt > now.getTime() + futureToleranceMs) return none('it was set in the future');
  return { override, problem: null };
}

const maxBytes = 4096;
const futureToleranceMs = 60_000;

function parse(text: string): Override | null {
  try {
    const { version, gate, setAt, until, reason } = JSON.parse(text) as Record<string, unknown>;
    if (version !== 1 || typeof reason !== 'string' || reason.trim() === '') return null;
    if (gate !== 'open' && gate !== 'closed') return null;
    if (!isMoment(setAt) || !isMoment(until)) return null;
    return { version, gate, setAt: new Date(setAt), until: new Date(until), reason };
  } catch {
    return null;
  }
}

function isMoment(value: unknown): value is string {
  return typeof value === 'string' && utc.test(value) && !Number.isNaN(Date.parse(value));
}

const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

function none(problem: string | null): OverrideState {
  return { override: null, problem };
}
