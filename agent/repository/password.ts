import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../core/errors.ts';

/**
 * The password of the repository: the operator's, or one that is generated when a repository is about to be made, and then
 * kept in the state folder, readable by its owner alone. Whoever loses it has lost every backup: the agent says where it
 * lies until it is confirmed as stored elsewhere.
 */
export interface RepositoryPassword {
  /**
   * What restic is given. As long as none is known it is a random one that opens nothing: with it restic tells whether there
   * is a repository, and `keep` keeps that very one.
   */
  value(): string;
  /** Whether `value` is the operator's or lies in the state folder. */
  isKnown(): boolean;
  /** To be called before a repository is made: nothing may be stored under a password that nobody has. */
  keep(): void;
  /** Where a generated one lies; null when the operator gave one, and as long as none is kept. */
  generatedAt(): string | null;
  /** Why a repository that is there does not open, and what to do. */
  refusal(location: string): HoldfastError;
}

/** `learned` is told every value that is to be hidden from logs, before anything else sees it. */
export function repositoryPassword(
  given: string | null,
  stateDir: string,
  learned: (password: string) => void = () => undefined,
): RepositoryPassword {
  const told = (password: string) => {
    learned(password);
    return password;
  };
  if (given !== null) return givenPassword(told(given));

  const path = join(stateDir, 'restic-password');
  let kept: string | null = null;
  let candidate: string | null = null;
  // Looked for again while there is none: another process may make the repository meanwhile.
  const known = () => {
    const found = kept === null ? read(path) : null;
    if (found !== null) kept = told(found);
    return kept;
  };
  const fresh = () => (candidate ??= told(randomBytes(24).toString('base64url')));
  return {
    value: () => known() ?? fresh(),
    isKnown: () => known() !== null,
    keep: () => {
      if (known() === null) write(path, fresh());
    },
    generatedAt: () => (known() === null ? null : path),
    refusal: (location) =>
      known() === null
        ? refused(`there is a repository at ${location} already, and its password is not given`)
        : refused(`the generated password in ${path} does not open the repository at ${location}`),
  };
}

function givenPassword(value: string): RepositoryPassword {
  return {
    value: () => value,
    isKnown: () => true,
    keep: () => undefined,
    generatedAt: () => null,
    refusal: (location) => refused(`the password does not open the repository at ${location}`),
  };
}

function refused(message: string): HoldfastError {
  return new HoldfastError('repository_password', message, {
    hint: 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE to the password that the repository was made with.',
  });
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

function write(path: string, value: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Under a name of its own first, so that nobody ever reads a part of it; and linked, which fails where there is one
    // already: of two processes that start at once, one makes it and the other reads it.
    const own = `${path}.${process.pid}`;
    writeFileSync(own, `${value}\n`, { mode: 0o600, flush: true });
    try {
      linkSync(own, path);
    } finally {
      rmSync(own);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new HoldfastError('configuration', `no password is given and none can be kept at ${path}`, {
      hint: 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE, or make HOLDFAST_STATE_DIR writable.',
      cause,
    });
  }
}
