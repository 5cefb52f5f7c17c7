import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Grace } from './freshness.ts';
import { formatLastOk, parseLastOk } from './last-ok.ts';
import { readSmallFile } from './small-file.ts';

/**
 * The first-boot grace, kept in the state folder so that neither a restart nor a new container renews it.
 *
 * `first_boot` holds the time of the first boot ever; `seen_heartbeat` is there once a heartbeat was seen, and
 * then there is no grace any more. Where the folder cannot be written there is no grace at all: better closed
 * than open for ever.
 */
export interface GraceKeeper {
  /** What there is to live on at that moment. The first call writes `first_boot`. Never throws. */
  standing(now: Date): Grace;
  /** To be called whenever a heartbeat was read. Cheap from the second time on. Never throws. */
  spend(now: Date): void;
  /** When a heartbeat was first seen ever; null while none was, or when nobody knows. Never throws. */
  firstHeartbeat(): Date | null;
}

/** Before this version of Holdfast there was no first boot: a clock that says so has not been set yet. */
const clockIsSetAfter = new Date('2026-01-01T00:00:00Z');

/** Opens the state folder, making it if need be; an unwritable one is logged and refuses the grace. */
export function openGrace(folder: string, log: Logger): GraceKeeper {
  const unwritable = tryToWrite(folder);
  if (unwritable !== null) {
    log.error(
      { folder, cause: unwritable },
      `the state folder cannot be written (${unwritable}), so there is no first-boot grace: ` +
        'the gate stays closed until the first backup. Make SENTINEL_STATE_DIR writable for the sentinel.',
    );
    return withoutGrace;
  }
  return keepIn(folder, log);
}

function keepIn(folder: string, log: Logger): GraceKeeper {
  const firstBootPath = join(folder, 'first_boot');
  const seenPath = join(folder, 'seen_heartbeat');
  let grace: Grace | null = null;
  let seenIsKept = !isMissing(seenPath);
  let firstSeen = seenIsKept ? readTime(seenPath) : null;
  if (seenIsKept) grace = alreadySeen;

  return {
    standing(now) {
      if (grace !== null) return grace;
      if (now < clockIsSetAfter) return { refused: 'the clock has not been set yet' };

      try {
        if (isMissing(firstBootPath)) write(firstBootPath, formatLastOk(now));
        grace = readFirstBoot(firstBootPath);
      } catch (error) {
        grace = { refused: `the first boot cannot be written down (${String(error)})` };
      }
      if ('refused' in grace) log.error({ folder }, `no first-boot grace: ${grace.refused}`);
      return grace;
    },

    spend(now) {
      if (seenIsKept) return;
      grace = alreadySeen;
      try {
        write(seenPath, formatLastOk(now));
        seenIsKept = true;
        firstSeen = now;
      } catch (error) {
        log.error({ err: error, folder }, 'the state folder cannot be written: trying again');
      }
    },

    firstHeartbeat: () => firstSeen,
  };
}

const withoutGrace: GraceKeeper = {
  standing: () => ({ refused: 'the state folder cannot be written' }),
  spend: () => undefined,
  firstHeartbeat: () => null,
};

const alreadySeen: Grace = { refused: 'a heartbeat was seen before' };

function readFirstBoot(path: string): Grace {
  const file = readSmallFile(path, 64);
  if (!file.ok) return { refused: `first_boot cannot be used: ${file.detail}` };

  const first = parseLastOk(file.text);
  if (!first.ok) return { refused: `first_boot cannot be used: ${first.problem}` };
  if (first.time < clockIsSetAfter) return { refused: 'first_boot was written before the clock was set' };
  return { since: first.time };
}

function readTime(path: string): Date | null {
  const file = readSmallFile(path, 64);
  const read = file.ok ? parseLastOk(file.text) : null;
  return read?.ok ? read.time : null;
}

function isMissing(path: string): boolean {
  const file = readSmallFile(path, 64);
  return !file.ok && file.reason === 'missing';
}

function tryToWrite(folder: string): string | null {
  const probe = join(folder, '.writable');
  try {
    mkdirSync(folder, { recursive: true });
    write(probe, '');
    rmSync(probe);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

// A power cut in the middle leaves the old content or the new one, never an empty file.
function write(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, 'w', 0o644);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
