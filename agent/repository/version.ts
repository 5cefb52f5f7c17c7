import { z } from 'zod';
import { HoldfastError } from '../core/errors.ts';
import { findLine } from './messages.ts';
import type { Restic } from './restic.ts';

/** The first version whose exit codes, JSON and stdin handling are what this program relies on. */
const OLDEST = [0, 19, 1] as const;

const versionMessage = z.object({ message_type: z.literal('version'), version: z.string() });

/** restic's version as `0.19.1`. Throws `tool_missing` where it is older than what this program relies on. */
export async function resticVersion(restic: Restic, signal: AbortSignal): Promise<string> {
  const { stdout } = await restic.run(['version', '--json'], { timeoutMs: 20_000, signal });
  // Before 0.17 it answered in text although asked for JSON.
  const version = findLine(versionMessage, stdout)?.version ?? /^restic (\S+)/m.exec(stdout)?.[1];
  if (version === undefined || isOlder(version)) {
    throw new HoldfastError(
      'tool_missing',
      `restic ${version ?? 'of an unknown version'} is too old: ${OLDEST.join('.')} or later is needed`,
      {
        hint: 'Older ones save a truncated dump or prune data that is still needed. Use the image, or install a newer restic and name it in HOLDFAST_RESTIC.',
      },
    );
  }
  return version;
}

function isOlder(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, least] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return !(part > least);
  }
  return false;
}
