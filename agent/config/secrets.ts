import { readFileSync, statSync } from 'node:fs';

/** Variables of restic's backends that hold a secret or part of one; each exists as NAME_FILE too. */
export const BACKEND_SECRETS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AZURE_ACCOUNT_KEY',
  'AZURE_ACCOUNT_NAME',
  'AZURE_ACCOUNT_SAS',
  'AZURE_CLIENT_SECRET',
  'B2_ACCOUNT_ID',
  'B2_ACCOUNT_KEY',
  'GOOGLE_ACCESS_TOKEN',
  'OS_APPLICATION_CREDENTIAL_ID',
  'OS_APPLICATION_CREDENTIAL_SECRET',
  'OS_AUTH_TOKEN',
  'OS_PASSWORD',
  'OS_USERNAME',
  'RCLONE_CONFIG_PASS',
  'RESTIC_REST_PASSWORD',
  'RESTIC_REST_USERNAME',
  'ST_KEY',
  'ST_USER',
] as const;

/**
 * Reads a secret from a file, without the line end that editors put there. The problem is a sentence part that fits behind
 * the name of whoever named the file; it tells the path, never the content.
 */
export function readSecretFile(path: string): { value: string } | { problem: string } {
  let content: string;
  try {
    // A FIFO or a terminal would make the start wait for ever.
    if (!statSync(path).isFile()) return { problem: `names ${path}, which is not a file` };
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'failed';
    // In a container the file is the host's, with its owner and mode.
    const group = process.getgid?.();
    const advice = code === 'EACCES' ? `; give it to our group: chgrp ${group} and chmod 640` : '';
    return { problem: `names ${path}, which cannot be read (${code})${advice}` };
  }
  const value = content.replace(/[\r\n]+$/, '');
  if (value === '') return { problem: `names ${path}, which is empty` };
  if (/[\r\n\0]/.test(value)) return { problem: `names ${path}, which holds more than one line` };
  return { value };
}
