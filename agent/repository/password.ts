import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../core/errors.ts';

export interface RepositoryPassword {
  value: string;
  /** Where the generated one lies; null when the operator gave one. */
  generatedAt: string | null;
}

/**
 * The operator's password, or one that is generated once and kept in the state folder, readable by its owner alone.
 * Whoever loses it has lost every backup: the agent says where it lies until it is confirmed as stored elsewhere.
 */
export function repositoryPassword(given: string | null, stateDir: string): RepositoryPassword {
  if (given !== null) return { value: given, generatedAt: null };
  const path = join(stateDir, 'restic-password');
  const value = read(path) ?? generate(path);
  return { value, generatedAt: path };
}

function read(path: string): string | null {
  try {
    const value = readFileSync(path, 'utf8').trim();
    if (value !== '') return value;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new HoldfastError('configuration', `the generated password ${path} cannot be read`, { cause });
  }
  throw new HoldfastError('configuration', `the generated password ${path} is empty`, {
    hint: 'Put back the password that you stored elsewhere, or give it as RESTIC_PASSWORD.',
  });
}

function generate(path: string): string {
  const value = randomBytes(24).toString('base64url');
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    // Under a name of its own first, so that nobody ever reads a part of it; and linked, which fails where there is one
    // already: of two processes that start at once, one makes it and the other reads it.
    const own = `${path}.${process.pid}`;
    writeFileSync(own, `${value}\n`, { mode: 0o600, flush: true });
    try {
      linkSync(own, path);
    } finally {
      rmSync(own);
    }
    return value;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return read(path) ?? value;
    throw new HoldfastError('configuration', `no password is given and none can be kept at ${path}`, {
      hint: 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE, or make HOLDFAST_STATE_DIR writable.',
      cause,
    });
  }
}
