import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryPassword } from '../../../agent/repository/password.ts';
import { temporaryFolder } from '../../helpers/folder.ts';

/** An agent's password over a state folder, and every secret that the log was told to hide. */
function inFolder(given: string | null = null, folder = temporaryFolder()) {
  const hidden: string[] = [];
  const password = repositoryPassword(given, folder, (secret) => hidden.push(secret));
  return { password, hidden, folder, path: join(folder, 'restic-password') };
}

describe('no password given', () => {
  test('asked for before there is a repository → a random one that stays the same, and nothing is written', () => {
    const { password, hidden, path } = inFolder();
    const value = password.value();
    expect(value).toMatch(/^[\w-]{32}$/);
    expect(password.value()).toBe(value);
    expect(hidden).toEqual([value]);
    expect(password.isKnown()).toBe(false);
    expect(password.generatedAt()).toBeNull();
    expect(existsSync(path)).toBe(false);
  });

  test('a repository is about to be made → kept for its owner alone, and known from then on', () => {
    const { password, path, folder } = inFolder();
    const value = password.value();
    password.keep();
    expect(readFileSync(path, 'utf8')).toBe(`${value}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(password.generatedAt()).toBe(path);
    const next = inFolder(null, folder);
    expect(next.password.value()).toBe(value);
    expect(next.hidden).toEqual([value]);
  });

  test('another process kept one in the meantime → that one is used, by both', () => {
    const one = inFolder();
    const other = inFolder(null, one.folder);
    one.password.value();
    other.password.keep();
    one.password.keep();
    expect(one.password.value()).toBe(other.password.value());
    expect(readFileSync(one.path, 'utf8').trim()).toBe(other.password.value());
  });

  test('a repository is there and does not open → says that its password is not given; with a generated one, which', () => {
    const { password, path } = inFolder();
    expect(password.refusal('/r')).toMatchObject({
      kind: 'repository_password',
      message: 'there is a repository at /r already, and its password is not given',
      hint: expect.stringContaining('RESTIC_PASSWORD_FILE') as string,
    });
    password.keep();
    expect(password.refusal('/r').message).toBe(
      `the generated password in ${path} does not open the repository at /r`,
    );
  });
});

test('a password given → used, hidden, and never written', () => {
  const { password, hidden, path } = inFolder('correct horse');
  password.keep();
  expect(password.value()).toBe('correct horse');
  expect(password.generatedAt()).toBeNull();
  expect(hidden).toEqual(['correct horse']);
  expect(existsSync(path)).toBe(false);
});
