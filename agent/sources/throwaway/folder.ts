import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../core/errors.ts';
import { humanBytes } from '../../core/units.ts';

/** A Unix socket's whole path has no more than this many bytes, whatever the file system allows. */
const MOST_SOCKET_BYTES = 107;
const LONGEST_SOCKET_NAME = '/.s.PGSQL.5432';
/** A server that was just ended may still be writing its last. */
const REMOVE = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 } as const;

/** Makes a new folder for one throw-away server and returns its path: named after this process, so that others know whose it is. */
export async function makeFolder(root: string): Promise<string> {
  const path = join(
    root,
    `${(await processName(process.pid)) ?? `${process.pid}-`}-${randomBytes(4).toString('hex')}`,
  );
  if (Buffer.byteLength(path + LONGEST_SOCKET_NAME) > MOST_SOCKET_BYTES) {
    throw new HoldfastError('configuration', `the path of ${root} is too long for the socket of a server`, {
      hint: 'Set VERIFY_FOLDER (in the file: verify.folder) to a folder with a shorter path.',
    });
  }
  await mkdir(root, { recursive: true });
  // Where the agent is root, the server is not, and has to get to its own folder.
  await chmod(root, 0o711);
  await mkdir(path, { mode: 0o700 });
  return path;
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, REMOVE);
}

/** Removes the folders that killed agents left, whose servers died with them; those of living ones stay. Never throws: the next run tries again. */
export async function sweepThrowaways(root: string): Promise<void> {
  const names = await readdir(root).catch(() => [] as string[]);
  for (const name of names.filter((one) => OURS.test(one))) {
    const owner = name.slice(0, name.lastIndexOf('-'));
    if ((await processName(Number.parseInt(name, 10))) === owner) continue;
    await removeFolder(join(root, name)).catch(() => undefined);
  }
}

const OURS = /^\d+-\d*-[0-9a-f]{8}$/;

/** The process id and when it began, in the kernel's ticks: ids come back after a restart, and in containers soon. Null for one that is gone. */
async function processName(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The second field is the program's name, which may hold blanks and brackets.
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${pid}-${began}`;
}

/** Free bytes for a user who is not root. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** This much of the disk is left to others, who may be the databases themselves. */
export const SPARE_BYTES = 256 * 2 ** 20;
/** What a server with nothing in it takes, and what it may put into its log of changes. */
const EMPTY_SERVER_BYTES = 384 * 2 ** 20;
/** Indexes are built beside what they are sorted from. */
const OF_DATABASE = 1.5;
/** Rows take more room in a database than in a dump, and their indexes are not in it. */
const OF_DUMP = 3;

/** What a server takes that holds this much; what nobody knows is left out. */
export function bytesNeeded(size: { databaseBytes: number | null; dumpBytes: number | null }): number {
  const { databaseBytes, dumpBytes } = size;
  const held = databaseBytes === null ? (dumpBytes ?? 0) * OF_DUMP : databaseBytes * OF_DATABASE;
  return Math.ceil(held) + EMPTY_SERVER_BYTES + SPARE_BYTES;
}

/** Throws where a folder has less room than is needed. */
export function requireRoom(path: string, free: number, needed: number): void {
  if (free >= needed) return;
  throw new HoldfastError(
    'failed',
    `a throw-away server for it needs about ${humanBytes(needed)} in ${path}, and ${humanBytes(free)} are free`,
    {
      hint: 'Free space there, or set VERIFY_FOLDER (in the file: verify.folder) to a folder on a larger disk.',
    },
  );
}
