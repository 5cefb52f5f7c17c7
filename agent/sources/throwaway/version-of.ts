import { HoldfastError } from '../../core/errors.ts';
import type { Processes } from '../../process/run.ts';

const TIMEOUT_MS = 10_000;

/** What a program says of its version; null where there is no such program, or it says nothing. */
export async function versionSaid(
  file: string,
  args: string[],
  { processes, signal }: { processes: Processes; signal: AbortSignal },
): Promise<string | null> {
  try {
    const finished = await processes.run({ file, args }, { timeoutMs: TIMEOUT_MS, signal });
    return finished.code === 0 ? finished.stdout.trim() : null;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'tool_missing') return null;
    throw error;
  }
}

/** Where there is no server of the version that is wanted. `image`: the build argument that brings one, where there is one. */
export function noServer(
  wanted: string,
  { others, image, packages }: { others: string[]; image: string | null; packages: string },
): HoldfastError {
  const found = others.length === 0 ? 'none is installed' : `installed is ${others.join(', ')}`;
  const build = image === null ? '' : `Build the image with WITH_SERVERS=${image}, or install ${packages}. `;
  return new HoldfastError('tool_missing', `a throw-away server would have to be ${wanted}; ${found}`, {
    hint: `${build}Or name a server that runs anyway in VERIFY_SERVER (in the file: verify.server), or nothing there for the source's own.`,
  });
}
