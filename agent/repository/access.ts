import type { RepositoryConfig } from '../config/config.ts';

/** Whether restic was turned away by whoever keeps the repository, in the words of the backends. */
export function isRefused(said: string): boolean {
  return REFUSED.test(said);
}

/** Whether a refusal stays one, however often restic asks again: it does so for a quarter of an hour. */
export function isRefusedForGood(said: string): boolean {
  return FOR_GOOD.test(said);
}

/** What to set so that the repository lets us in. */
export function accessHint({ location }: RepositoryConfig, said: string): string {
  if (SKEWED.test(said))
    return "Set the clock of this machine: it differs from the server's by many minutes.";
  const names = KEYS[schemeOf(location)];
  if (names === undefined) return 'Check who may read and write there, then run `holdfast doctor`.';
  return `Set ${names} to what may read and write there (in a configuration file: under repository.environment), then run \`holdfast doctor\`.`;
}

/** What to try when the repository does not answer. */
export function unreachableHint({ location }: RepositoryConfig, said: string): string {
  const known = TROUBLES.find(([pattern]) => pattern.test(said))?.[1];
  if (known !== undefined) return known;
  const shape = SHAPES[schemeOf(location)];
  const address = shape === undefined ? 'the location' : `the location (${shape})`;
  return `Check the network and ${address}, then run \`holdfast doctor\`.`;
}

/** `s3` of `s3:https://…`; empty for a path. */
function schemeOf(location: string): string {
  return /^([a-z0-9]+):/.exec(location)?.[1] ?? '';
}

const SKEWED = /RequestTimeTooSkewed|difference between the request time/i;
const FOR_GOOD =
  /InvalidAccessKeyId|access key id you provided|SignatureDoesNotMatch|signature we calculated|RequestTimeTooSkewed|difference between the request time/i;
const REFUSED = new RegExp(
  `${FOR_GOOD.source}|no credentials found|access denied|AccessDenied|unexpected HTTP response \\(40[13]\\)` +
    '|B2_ACCOUNT_(ID|KEY)|could not find default credentials|AuthenticationFailed|AuthorizationFailure',
  'i',
);

const KEYS: Record<string, string> = {
  s3: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  b2: 'B2_ACCOUNT_ID and B2_ACCOUNT_KEY',
  azure: 'AZURE_ACCOUNT_NAME and AZURE_ACCOUNT_KEY',
  gs: 'GOOGLE_PROJECT_ID and GOOGLE_APPLICATION_CREDENTIALS',
  rest: 'RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD',
};

const SHAPES: Record<string, string> = {
  s3: 's3:https://HOST/BUCKET/PATH',
  rest: 'rest:https://HOST:PORT/PATH/',
  sftp: 'sftp:USER@HOST:/PATH',
};

const TROUBLES: [RegExp, string][] = [
  [
    /HTTP response to HTTPS client|does not look like a TLS handshake/,
    'The server there speaks no TLS: give it a certificate, or write http:// in the location.',
  ],
  [
    /x509|certificate/,
    'Mount the authority that signed the certificate, and name its file in SSL_CERT_FILE or RESTIC_CACERT.',
  ],
  [/400 Bad Request/, "Set AWS_DEFAULT_REGION to the bucket's region."],
  [
    /Last-Modified time format|invalid character '<'/,
    'What answers there is no such server: check the host and the port in the location.',
  ],
];
