import { createHash } from 'node:crypto';
import { describeError } from '../../core/errors.ts';
import { SCRATCH } from '../../core/scratch-name.ts';
import type { Source } from '../../sources/source.ts';

const DROP_TIMEOUT_MS = 60_000;

/** Every scratch database of a source begins so. */
export function scratchPrefix(host: string, source: string): string {
  const digest = createHash('sha256').update(`${host}\0${source}`).digest('hex').slice(0, 8);
  return `${SCRATCH}${digest}_`;
}

/**
 * Makes an empty scratch database and returns its name. What a killed run left of them is dropped first: the run lock is ours, so
 * none of these is in use. Throws what the server says when it cannot be made.
 */
export async function makeScratch(
  server: Source,
  { prefix, suffix }: { prefix: string; suffix: string },
  signal: AbortSignal,
): Promise<string> {
  for (const left of await server.listDatabases(prefix, signal)) await server.dropDatabase(left, signal);
  const scratch = `${prefix}${suffix}`;
  await server.createDatabase(scratch, signal);
  return scratch;
}

/**
 * Does the work and drops the scratch database, also when the work fails: its failure is what is told then. That it could not be dropped after
 * the work is a warning, which takes nothing of what the work has shown.
 */
export async function droppedAfter<T>(
  server: Source,
  scratch: string,
  work: () => Promise<T>,
): Promise<{ result: T; warnings: string[] }> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // The next run sweeps what cannot be dropped now.
    await server.dropDatabase(scratch, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch(() => undefined);
    throw error;
  }
  try {
    await server.dropDatabase(scratch, AbortSignal.timeout(DROP_TIMEOUT_MS));
    return { result, warnings: [] };
  } catch (error) {
    const why = describeError(error).message;
    return {
      result,
      warnings: [
        `the scratch database ${scratch} could not be dropped: ${why}; the next verification drops it`,
      ],
    };
  }
}
