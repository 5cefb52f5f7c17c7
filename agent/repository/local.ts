import { resolve } from 'node:path';

/** The folder of a repository that lies on a disk of this machine; null for one that lies elsewhere. */
export function localFolder(location: string): string | null {
  if (location.startsWith('local:')) return resolve(location.slice('local:'.length));
  // Every other place is written with the name of its kind in front: s3:, sftp:, rest:, …
  return /^[a-z0-9]+:/i.test(location) ? null : resolve(location);
}
