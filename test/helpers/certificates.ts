import { join } from 'node:path';
import { runToEnd } from './server.ts';

/** An authority and a certificate by it for 127.0.0.1, or for another subject, readable by whoever runs the server. */
export async function makeCertificates(
  folder: string,
  subject = 'IP:127.0.0.1',
): Promise<{ ca: string; cert: string; key: string }> {
  const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const caKey = join(folder, 'ca-key.pem');
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj'];
  await runToEnd('openssl', [...request, '/CN=Test authority', '-keyout', caKey, '-out', files.ca], folder);
  await runToEnd(
    'openssl',
    [
      ...[...request, '/CN=Test server', '-addext', `subjectAltName=${subject}`],
      ...['-CA', files.ca, '-CAkey', caKey, '-keyout', files.key, '-out', files.cert],
    ],
    folder,
  );
  await runToEnd('chmod', ['644', files.key], folder);
  return files;
}
