import { readdir, readlink, realpath } from 'node:fs/promises';

/**
 * Ends programs that work in a folder below this one, which is what a killed agent left: pg_dump's helpers outlive it until their table is done,
 * and go on filling the disk with files that have no name any more. To be called under the run lock, when nobody of ours is at work.
 */
export async function endStrays(folder: string): Promise<void> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return;
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
    if (!cwd.startsWith(`${root}/`)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
}
