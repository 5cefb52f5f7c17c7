import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../core/errors.ts';
import { withTakenIn } from '../core/shared-script.ts';

/**
 * The plain bytes of a tenant's prelude in a file, with the script that it takes in, which psql would look for in the agent's own folder. Throws
 * `usage` where that script is not there, and what `read` throws.
 */
export function readPrelude(
  path: string,
  read: (path: string) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  return withTakenIn(read(path), async function* (script) {
    yield* read(await beside(path, script));
  });
}

/** A link must not lead out of the prelude's folder either. */
async function beside(path: string, script: string): Promise<string> {
  try {
    const wanted = join(await realpath(dirname(path)), script);
    const is = await realpath(wanted);
    if (is === wanted) return wanted;
    throw new Error(`it is a link to ${is}`);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError('usage', `${path} takes in ${script}, which cannot be read: ${said}`, {
      hint: 'Put the folder "shared" of the same set beside it: `holdfast restore SOURCE --snapshot ID --output DIR` writes the whole set.',
      cause,
    });
  }
}
