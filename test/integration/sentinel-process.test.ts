import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startChild } from '../../scripts/loopback/child.ts';
import { startSentinel } from '../../scripts/loopback/sentinel.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { sendHead } from '../helpers/raw-http.ts';

vi.setConfig({ testTimeout: 20_000 });

const main = fileURLToPath(new URL('../../sentinel/main.ts', import.meta.url));

function options() {
  const folder = temporaryFolder();
  return { heartbeatPath: join(folder, 'last_ok'), stateFolder: join(folder, 'state') };
}

it('SIGTERM while a client holds half a request → gone within a second', async () => {
  const sentinel = await startSentinel(options());
  const client = sendHead(sentinel.port, ['GET /livez HTTP/1.1', 'Host: x']);
  await client.expect('"alive":true');
  client.socket.write('GET /livez HTTP/1.1\r\nHost:');
  const start = Date.now();
  await sentinel.stop('SIGTERM');
  expect(Date.now() - start).toBeLessThan(1000);
});

it('several settings wrong → exit 2, and every one of them told', async () => {
  const child = startChild(process.execPath, [main], {
    SENTINEL_PORT: 'http',
    SENTINEL_MODE: 'on',
    SENTINEL_X: '1',
  });
  await waitUntil('the end', () => !child.isRunning());
  await child.stop();
  expect(child.exitCode()).toBe(2);
  for (const name of ['SENTINEL_PORT', 'SENTINEL_MODE', 'SENTINEL_X']) expect(child.output()).toContain(name);
});

it('the port is taken → exit 1, and the port told', async () => {
  const first = await startSentinel(options());
  onTestFinished(() => first.stop());
  await expect(startSentinel({ ...options(), port: first.port })).rejects.toThrow(
    new RegExp(`cannot listen on 127.0.0.1:${first.port}`),
  );
});
