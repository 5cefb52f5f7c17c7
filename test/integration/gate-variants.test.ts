import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { sendHead } from '../helpers/raw-http.ts';
import { startStubSentinel } from '../helpers/stub-sentinel.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let app: TestApp;

beforeEach(async () => {
  app = await startApp();
  onTestFinished(app.stop);
});

async function nginxWith(server: string, sentinel: string): Promise<RunningNginx> {
  const prefix = join(temporaryFolder(), 'nginx');
  const nginx = await startNginx({ prefix, sentinel, app: app.address, server });
  onTestFinished(() => nginx.stop());
  return nginx;
}

async function sentinelThatSays(status: 204 | 403): Promise<string> {
  const stub = await startStubSentinel(
    (_, response) => void response.writeHead(status, { 'X-Gate-Reason': 'stale' }).end(),
  );
  onTestFinished(stub.stop);
  return stub.address;
}

const writesOnly = `
  location /shop/ { include holdfast/gated-writes.conf; include holdfast/proxy.conf; }
`;

describe('gated-writes.conf', () => {
  const ask = async (nginx: RunningNginx, method: string) => {
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'a=1' : undefined;
    const answer = await fetch(`${nginx.url}/shop/cart`, { method, body });
    return `${answer.status} ${answer.headers.get('x-gate-reason')}`;
  };

  it('stale → reading goes on, every change is refused with the page', async () => {
    const nginx = await nginxWith(writesOnly, await sentinelThatSays(403));
    for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(await ask(nginx, method)).toBe('200 null');
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect(await ask(nginx, method)).toBe('503 stale');
    expect(app.requests.map((line) => line.split(' ')[0])).toEqual(['GET', 'HEAD', 'OPTIONS']);
  });

  it('the sentinel is down → reading goes on, every change is refused', async () => {
    const nginx = await nginxWith(writesOnly, `127.0.0.1:${await freePort()}`);
    expect(await ask(nginx, 'GET')).toBe('200 null');
    expect(await ask(nginx, 'POST')).toBe('503 sentinel_unreachable');
  });

  it('fresh → changes go through', async () => {
    const nginx = await nginxWith(writesOnly, await sentinelThatSays(204));
    expect(await ask(nginx, 'POST')).toBe('200 null');
  });

  it('a WebSocket → counts as a change', async () => {
    const nginx = await nginxWith(writesOnly, await sentinelThatSays(403));
    const upgrade = ['Upgrade: websocket', 'Connection: Upgrade'];
    const socket = sendHead(nginx.port, ['GET /shop/live HTTP/1.1', 'Host: shop', ...upgrade]);
    await socket.expect('HTTP/1.1 503 ');
    socket.socket.destroy();
  });

  it('other locations of the same server → closed as ever', async () => {
    const nginx = await nginxWith(writesOnly, await sentinelThatSays(403));
    expect((await fetch(nginx.url)).status).toBe(503);
  });
});

describe('what goes past the gate', () => {
  it("a certificate's challenge while closed → reaches the app", async () => {
    const nginx = await nginxWith('', await sentinelThatSays(403));
    expect((await fetch(`${nginx.url}/.well-known/acme-challenge/token`)).status).toBe(200);
    expect((await fetch(`${nginx.url}/.well-known/security.txt`)).status).toBe(503);
    expect((await fetch(`${nginx.url}/.well-known/acme-challenge/../../cart`)).status).toBe(503);
    expect((await fetch(`${nginx.url}/.well-known/acme-challenge/%2e%2e/%2e%2e/cart`)).status).toBe(503);
  });

  it('another method, a tunnel, a path that the app would read otherwise → nothing passes under the name of a challenge', async () => {
    const nginx = await nginxWith('', await sentinelThatSays(403));
    const ask = async (line: string, ...more: string[]) => {
      const { socket, received } = sendHead(nginx.port, [
        `${line} HTTP/1.1`,
        'Host: shop',
        'Connection: close',
        ...more,
      ]);
      onTestFinished(() => void socket.destroy());
      await waitUntil(`an answer to ${line}`, () => received().includes('\r\n\r\n'));
      return received().split(' ')[1];
    };
    const token = '/.well-known/acme-challenge/token';
    for (const path of ['..\\..\\admin', '\\..\\orders', '..;/..;/admin', 'a/b', ''])
      expect(await ask(`GET /.well-known/acme-challenge/${path}`), path).toBe('503');
    expect(await ask(`POST ${token}`)).toBe('403');
    expect(app.requests).toEqual([]);
    for (const upgrade of ['websocket', 'h2c'])
      expect(await ask(`GET ${token}`, 'Upgrade: ' + upgrade, 'Connection: Upgrade')).toBe('200');
    for (const path of [`/${token}`, `/admin%23/..${token}`])
      expect(await ask(`GET ${path}`), path).toBe('200');
    expect(app.requests).toEqual(Array(4).fill(`GET ${token} 0`));
  });

  it("the app's own health check while closed → reaches the app", async () => {
    const bypass = 'location = /healthz { proxy_pass http://$holdfast_app/healthz; }';
    const nginx = await nginxWith(bypass, await sentinelThatSays(403));
    expect((await fetch(`${nginx.url}/healthz`)).status).toBe(200);
    sendHead(nginx.port, ['GET /admin/..%2fhealthz HTTP/1.1', 'Host: shop']);
    await waitUntil('it to reach the app', () => app.requests.length === 2);
    expect(app.requests[1]).toBe('GET /healthz 0');
    expect((await fetch(`${nginx.url}/healthz/`)).status).toBe(503);
  });
});

describe('HTTP/2', () => {
  /** A request whose body, if it has one, is announced and not sent unless the answer wants it. */
  function ask(port: number, headers: OutgoingHttpHeaders, body?: string): Promise<string> {
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ':path': '/cart', ...headers }, { endStream: false });
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      stream.once('error', reject).once('response', (answer) => {
        resolve(`${answer[':status']} ${String(answer['x-gate-reason'] ?? '')}`.trim());
      });
    });
  }

  it.each([
    [204, '200'],
    [403, '503 stale'],
  ] as const)('the sentinel says %i → GET, HEAD and POST get %s', async (verdict, expected) => {
    const port = await freePort();
    await nginxWith(`listen 127.0.0.1:${port} http2;`, await sentinelThatSays(verdict));
    for (const method of ['GET', 'HEAD']) expect(await ask(port, { ':method': method }, '')).toBe(expected);
    expect(await ask(port, { ':method': 'POST' }, 'a=1')).toBe(expected);
  });

  it('an upload of 200 MB while closed → refused before a byte of it was sent', async () => {
    const port = await freePort();
    await nginxWith(`listen 127.0.0.1:${port} http2;`, await sentinelThatSays(403));
    expect(await ask(port, { ':method': 'POST', 'content-length': 200e6 })).toBe('503 stale');
    expect(app.requests).toEqual([]);
  });
});
