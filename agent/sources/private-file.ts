import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file that only this user can read, for what a child must know and its command line must not show. */
export interface PrivateFile {
  readonly path: string;
  /** Removes it; no error when it is gone. */
  remove(): Promise<void>;
}

/** Writes a new file with mode 0600 in a folder that is made (0700) when it is not there. */
export async function writePrivateFile(dir: string, suffix: string, text: string): Promise<PrivateFile> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, `${randomUUID()}${suffix}`);
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return { path, remove: () => rm(path, { force: true }) };
}
