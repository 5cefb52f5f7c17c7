import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../helpers/certificates.ts';
import type { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

/** A compose service that is `https://s3.example.com`, by which the documents name a bucket of yours, for its project alone. */
export const STORAGE = `s3:
    image: holdfast-test-s3
    command: [python3, -m, moto.server, -H, 0.0.0.0, -p, '443', -s, -c, /tls/cert.pem, -k, /tls/key.pem]
    environment: { S3_IGNORE_SUBDOMAIN_BUCKETNAME: 'true' }
    networks: { default: { aliases: [s3.example.com] } }
    volumes: ['./tls:/tls:ro']
`;

/** Its certificate, in files of the stack's folder, and the authority's by its content. */
export async function storageFiles(): Promise<{ files: Record<string, string>; ca: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  try {
    const { ca, cert, key } = await makeCertificates(folder, 'DNS:s3.example.com');
    const text = (path: string) => readFileSync(path, 'utf8');
    return { files: { 'tls/cert.pem': text(cert), 'tls/key.pem': text(key) }, ca: text(ca) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes `my-bucket`, as people do it beforehand in their provider's console. */
export async function makeBucket(stack: Stack): Promise<void> {
  await stack.sh('docker compose up -d s3', 120_000);
  const put = `import ssl, urllib.request as u; u.urlopen(u.Request("https://127.0.0.1/my-bucket", method="PUT"), context=ssl._create_unverified_context())`;
  const made = async () => (await stack.try(`docker compose exec -T s3 python3 -c '${put}'`)).code === 0;
  await until('the bucket is made', made);
}
