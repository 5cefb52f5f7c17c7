import type { Environment } from './environment.ts';
import { readSecretFile } from './secrets.ts';

/** What people who know S3 and not restic write in place of `RESTIC_REPOSITORY`. */
export const S3_VARIABLES = ['S3_BUCKET', 'S3_PATH', 'S3_ENDPOINT'];

/** The repository that `S3_BUCKET` and those beside it stand for, as restic writes it; null where no bucket is named. */
export function bucketLocation(environment: Environment): string | null {
  const bucket = plain(environment['S3_BUCKET']);
  if (bucket === '') return null;
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || 'us-east-1';
  const endpoint = environment['S3_ENDPOINT'] || `https://s3.${region}.amazonaws.com`;
  const parts = [withoutEnd(endpoint), bucket, plain(environment['S3_PATH'])];
  return `s3:${parts.filter((part) => part !== '').join('/')}`;
}

/** What is wrong where the repository is named in both ways, as a line about both; null where they agree. */
export function bucketProblem(environment: Environment): string | null {
  const location = bucketLocation(environment);
  const variable = ['RESTIC_REPOSITORY', 'RESTIC_REPOSITORY_FILE'].find((name) => environment[name]);
  if (location === null || variable === undefined) return null;
  const named = namedBy(environment);
  if (named === null || withoutEnd(named) === location) return null;
  return `S3_BUCKET stands for the repository ${location}, and ${variable} names another one: remove one of the two`;
}

/** Null for a file that cannot be read, which is told elsewhere. */
function namedBy(environment: Environment): string | null {
  const location = environment['RESTIC_REPOSITORY'];
  if (location) return location;
  const read = readSecretFile(environment['RESTIC_REPOSITORY_FILE'] ?? '');
  return 'value' in read ? read.value.trim() : null;
}

function plain(text = ''): string {
  return withoutEnd(text).replace(/^\/+/, '');
}

function withoutEnd(text: string): string {
  return text.replace(/\/+$/, '');
}
