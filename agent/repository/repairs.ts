import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../core/errors.ts';
import { localFolder } from './local.ts';
import type { Repairs } from './repository.ts';
import type { Restic } from './restic.ts';

const REPAIR_TIMEOUT_MS = 24 * 3600_000;
const LIST_TIMEOUT_MS = 300_000;

/** restic's own repairs. `unlocked` clears a dead lock that is in the way, and waits for a living one. */
export function createRepairs(
  restic: Restic,
  location: string,
  unlocked: <T>(signal: AbortSignal, action: () => Promise<T>) => Promise<T>,
): Repairs {
  const run = (args: string[], signal: AbortSignal, more: { timeoutMs?: number; cwd?: string } = {}) =>
    unlocked(signal, () => restic.run(args, { timeoutMs: REPAIR_TIMEOUT_MS, signal, ...more }));

  return {
    index: async (signal) => {
      await run(['repair', 'index'], signal);
    },

    packs: async (ids, folder, signal) => {
      await mkdir(folder, { recursive: true });
      await run(['repair', 'packs', ...ids], signal, { cwd: folder });
    },

    usersOf: async (packs, signal) => {
      const args = ['find', '--json', '--no-lock', '--pack', ...packs];
      const { stdout, stderr } = await restic.run(args, { timeoutMs: REPAIR_TIMEOUT_MS, signal });
      const said = `${stdout}\n${stderr.join('\n')}`;
      // A snapshot whose own tree cannot be loaded is named in a sentence.
      return unique([
        ...said.matchAll(/"snapshot":"([0-9a-f]{64})"/g),
        ...said.matchAll(/belongs to snapshot ([0-9a-f]{64})/g),
      ]);
    },

    broken: async (signal) => {
      const { stdout } = await run(['repair', 'snapshots', '--dry-run'], signal);
      return brokenIn(stdout);
    },

    dropUnreadable: async (ids, folder, signal) => {
      const present = async () =>
        (await restic.run(['list', 'snapshots', '--no-lock'], { timeoutMs: LIST_TIMEOUT_MS, signal })).stdout
          .split('\n')
          .filter((line) => /^[0-9a-f]{64}$/.test(line));
      const full = (await present()).filter((id) => ids.some((short) => id.startsWith(short)));
      // restic forgets one of which its cache has a good copy, and passes over the others without a word.
      if (full.length > 0) await run(['forget', ...full], signal);
      const left = (await present()).filter((id) => full.includes(id));
      const repository = localFolder(location);
      if (left.length > 0 && repository === null) {
        throw new HoldfastError(
          'repository_damaged',
          `restic cannot remove the damaged snapshot file ${left[0]?.slice(0, 8)}`,
          {
            hint: `Remove it with the storage's own tool: snapshots/${left.join(', snapshots/')} below the repository's location; then run \`holdfast repair\` again.`,
          },
        );
      }
      await mkdir(folder, { recursive: true });
      for (const id of left) await setAside(id, join(repository ?? '', 'snapshots', id), folder);
      return full;
    },
  };
}

/** Copied and then removed: the state folder may lie on another disk. */
async function setAside(id: string, from: string, folder: string): Promise<void> {
  try {
    await copyFile(from, join(folder, `snapshot-${id}`));
    await rm(from);
  } catch (cause) {
    throw new HoldfastError('repository_damaged', `cannot set the damaged snapshot file ${id} aside`, {
      hint: `Move ${from} into ${folder} by hand, then run \`holdfast repair\` again.`,
      cause,
    });
  }
}

/** Of restic's report, snapshot by snapshot, the short ids of those that it would change. */
export function brokenIn(report: string): string[] {
  return report.split(/^snapshot /m).flatMap((part) => {
    const [, id] = /^([0-9a-f]{8}) of /.exec(part) ?? [];
    return id !== undefined && /^would (save new|delete empty) snapshot/m.test(part) ? [id] : [];
  });
}

function unique(matches: RegExpExecArray[]): string[] {
  return [...new Set(matches.flatMap((match) => match[1] ?? []))];
}
