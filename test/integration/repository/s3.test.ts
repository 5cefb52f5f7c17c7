import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../helpers/folder.ts';
import { testRepository } from '../../helpers/repository.ts';

const signal = new AbortController().signal;
const KEYS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

/** An S3-protocol server that refuses everything with one of S3's own errors; its address. */
async function startRefusing(code: string, message: string): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' });
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// The deadline is far beyond the test's: what is told here is told at once.
test.each([
  ['no keys', {}, 'AccessDenied', 'Access Denied'],
  ['keys without a right', KEYS, 'AccessDenied', 'Access Denied.'],
  [
    'a key that is none',
    KEYS,
    'InvalidAccessKeyId',
    'The AWS Access Key Id you provided does not exist in our records.',
  ],
  [
    'a secret that is wrong',
    KEYS,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match.',
  ],
])('S3 with %s → told at once, and which variables to set', async (_, environment, code, message) => {
  const location = `s3:http://${await startRefusing(code, message)}/bucket/path`;
  const { repository } = testRepository(temporaryFolder(), {
    location,
    environment,
    answerTimeoutSeconds: 600,
  });
  await expect(repository.identify(signal)).rejects.toMatchObject({
    kind: 'repository_failed',
    message: expect.stringContaining(`no access to the repository at ${location}`) as string,
    hint: expect.stringContaining('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY') as string,
  });
});
