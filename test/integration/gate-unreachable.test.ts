import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type NginxOptions, type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { startNameServer } from '../helpers/nameServer.ts';
import { startStubSentinel } from '../helpers/stubSentinel.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let app: TestApp;

beforeEach(async () => {
  app = await startApp();
  onTestFinished(app.stop);
});

async function nginxAsking(sentinel: string, more: Partial<NginxOptions> = {}): Promise<RunningNginx> {
  const prefix = join(temporaryFolder(), 'nginx');
  const nginx = await startNginx({ prefix, sentinel, app: app.address, ...more });
  onTestFinished(() => nginx.stop());
  return nginx;
}

async function expectClosed(nginx: RunningNginx) {
  const answer = await fetch(nginx.url);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('x-gate-reason')).toBe('sentinel_unreachable');
  expect(answer.headers.get('retry-after')).toBe('300');
  expect(await answer.text()).toContain('backup status not OK');
  expect(app.requests).toEqual([]);
}

describe('a sentinel that is not well', () => {
  it('down → closed, at once', async () => {
    const nginx = await nginxAsking(`127.0.0.1:${await freePort()}`);
    const start = Date.now();
    await expectClosed(nginx);
    expect(Date.now() - start).toBeLessThan(500);
  });

  it('hangs → closed after two seconds', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const nginx = await nginxAsking(`127.0.0.1:${(silent.address() as { port: number }).port}`);
    const start = Date.now();
    await expectClosed(nginx);
    expect(Date.now() - start).toBeGreaterThan(1900);
    expect(Date.now() - start).toBeLessThan(3500);
  });

  it.each([301, 302, 304, 400, 401, 404, 431, 500, 502, 503])('answers %i → closed', async (status) => {
    const stub = await startStubSentinel((_, response) => void response.writeHead(status).end());
    onTestFinished(stub.stop);
    await expectClosed(await nginxAsking(stub.address));
  });

  it('comes back → open again, without a reload', async () => {
    const port = await freePort();
    const nginx = await nginxAsking(`127.0.0.1:${port}`);
    await expectClosed(nginx);
    const stub = await startStubSentinel(
      (_, response) => void response.writeHead(204).end(),
      '127.0.0.1',
      port,
    );
    onTestFinished(stub.stop);
    expect((await fetch(nginx.url)).status).toBe(200);
  });
});

describe('a sentinel with a name, as in a compose project', () => {
  it('nginx starts before the name is known → closed, then open when it is', async () => {
    const names = await startNameServer('unknown');
    onTestFinished(names.stop);
    const stub = await startStubSentinel((_, response) => void response.writeHead(204).end());
    onTestFinished(stub.stop);
    const nginx = await nginxAsking(`sentinel:${stub.port}`, { resolver: names.address });
    await expectClosed(nginx);

    names.answer = '127.0.0.1';
    await waitUntil('the gate to open', async () => (await fetch(nginx.url)).status === 200, 5);
  });

  it('the container comes back with another address → followed within seconds', async () => {
    const names = await startNameServer('127.0.0.1');
    onTestFinished(names.stop);
    const first = await startStubSentinel((_, response) => void response.writeHead(204).end());
    const nginx = await nginxAsking(`sentinel:${first.port}`, { resolver: names.address });
    expect((await fetch(nginx.url)).status).toBe(200);

    await first.stop();
    const second = await startStubSentinel(
      (_, response) => void response.writeHead(204).end(),
      '127.0.0.2',
      first.port,
    );
    onTestFinished(second.stop);
    names.answer = '127.0.0.2';
    await waitUntil('the gate to open', async () => (await fetch(nginx.url)).status === 200, 6);
  });

  it('the name server hangs → closed after two seconds, not thirty', async () => {
    const names = await startNameServer('silent');
    onTestFinished(names.stop);
    const nginx = await nginxAsking('sentinel:8080', { resolver: names.address });
    const start = Date.now();
    await expectClosed(nginx);
    expect(Date.now() - start).toBeLessThan(4000);
  });
});

it('a visitor with cookies and a password → the sentinel is told neither', async () => {
  const stub = await startStubSentinel((_, response) => void response.writeHead(204).end());
  onTestFinished(stub.stop);
  const nginx = await nginxAsking(stub.address);
  await fetch(nginx.url, {
    method: 'POST',
    body: 'a=1',
    headers: { cookie: 'id=1', authorization: 'Basic eDp5' },
  });
  expect(stub.asked.map((headers) => Object.keys(headers))).toEqual([['host']]);
});

it('only one location includes the gate → the others stay open', async () => {
  const nginx = await nginxAsking(`127.0.0.1:${await freePort()}`, {
    server: 'location = /healthz { return 200 "up"; }',
  });
  expect(await (await fetch(`${nginx.url}/healthz`)).text()).toBe('up');
  await expectClosed(nginx);
});
