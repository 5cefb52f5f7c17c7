import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startChild } from '../../scripts/loopback/child.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { startSentinel } from '../../scripts/loopback/sentinel.ts';
import { isListening, waitUntil } from '../../scripts/loopback/wait.ts';
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

it('a full disk under the log → it goes on answering', async () => {
  const { heartbeatPath, stateFolder } = options();
  const port = await freePort();
  const child = startChild('sh', ['-c', 'exec "$0" "$1" 2>/dev/full', process.execPath, main], {
    PATH: process.env['PATH'],
    SENTINEL_HOST: '127.0.0.1',
    SENTINEL_PORT: String(port),
    SENTINEL_HEARTBEAT_PATH: heartbeatPath,
    SENTINEL_STATE_DIR: stateFolder,
  });
  onTestFinished(() => child.stop());
  await waitUntil('the sentinel to listen', () => isListening(port));
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  expect(child.isRunning()).toBe(true);
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
