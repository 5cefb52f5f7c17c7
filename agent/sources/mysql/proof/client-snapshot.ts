import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../../../process/run.ts';

/** A dump client opens its snapshot, asks for the first table or view, and then prints this. */
const BEYOND_HEADER = /^-- [\w ]*structure for /m;
const POLL_MS = 5;

/**
 * Waits until the client's own snapshot is seen to be open, by what it has printed, or the client is gone. Takes nothing
 * away from who reads it later. False when the time is over before, or the signal aborts.
 */
export async function untilSnapshotOpen(child: Child, signal: AbortSignal): Promise<boolean> {
  let gone = false;
  void child.exit.then(() => (gone = true));
  while (!signal.aborted) {
    if (gone || hasPrinted(child, BEYOND_HEADER)) return true;
    await pause(POLL_MS);
  }
  return false;
}

function hasPrinted({ stdout }: Child, pattern: RegExp): boolean {
  const printed = stdout.read() as Buffer | null;
  if (printed === null) return false;
  // Before anybody learns that it was away.
  stdout.unshift(printed);
  return pattern.test(printed.toString('latin1'));
}
