import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { PostgresSourceConfig } from '../../config/config.ts';

/**
 * Newer releases wrap plain output in `\restrict` with a random key, so that equal dumps would never be equal bytes.
 * The key must stay unknown to whoever could write into the dump: it is drawn from the password.
 */
export async function restrictKey(config: PostgresSourceConfig, version: string): Promise<string[]> {
  if (!knowsRestrict(version)) return [];
  const key = (await promisify(scrypt)(config.password, 'holdfast restrict key', 24)) as Buffer;
  return [`--restrict-key=${key.toString('hex')}`];
}

function knowsRestrict(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const since: Record<number, number> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };
  return major >= 18 || minor >= (since[major] ?? Number.POSITIVE_INFINITY);
}
