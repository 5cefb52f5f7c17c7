import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../core/errors.ts';
import { formatLastOk, lastOkName, statusName } from '../../sentinel/heartbeat.ts';
import type { Heartbeat } from './heartbeat.ts';

/**
 * Leaves the heartbeat for the sentinel. Each file is written under a temporary name, fsynced and renamed: a reader sees
 * the old one or the new one. `last_ok` stays as it is while a gating source has no success; it then grows stale by itself. It goes where
 * it is true no more.
 */
export async function writeStatusFolder(folder: string, heartbeat: Heartbeat): Promise<void> {
  try {
    if (heartbeat.lastOk !== null) await replaceFile(folder, lastOkName, formatLastOk(heartbeat.lastOk));
    else if (heartbeat.withdrawn) await removeFile(folder, lastOkName);
    await replaceFile(folder, statusName, `${JSON.stringify(heartbeat.status)}\n`);
  } catch (cause) {
    throw new HoldfastError(
      'failed',
      `the status folder ${folder} cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      {
        hint: `Mount it read-write for the agent, and let its user write there (chown ${process.getuid?.()}); HOLDFAST_STATUS_DIR names it.`,
        cause,
      },
    );
  }
}

/** The file holds the new content afterwards, or still the old one: never a part of either, also after a power cut. */
export async function replaceFile(folder: string, name: string, content: string): Promise<void> {
  const path = join(folder, name);
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, 'w', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function removeFile(folder: string, name: string): Promise<void> {
  await rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

/** Without it a rename may be lost with the power. */
async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
