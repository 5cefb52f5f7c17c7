import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { type Child, startChild } from '../../scripts/loopback/child.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { type RunningSentinel, startSentinel } from '../../scripts/loopback/sentinel.ts';
import { isListening, waitUntil } from '../../scripts/loopback/wait.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { theOne } from '../helpers/documented.ts';
import { sendHead } from '../helpers/raw-http.ts';
import { serverFolder } from '../helpers/server.ts';

const folder = serverFolder();
const heartbeatPath = join(folder, 'status', 'last_ok');
let app: TestApp;
let sentinel: RunningSentinel;
let caddy: Child;
let url: string;
let port: number;

/** The Caddyfile of docs/gate.md, with the addresses of this test. */
function caddyfile(): string {
  const printed = theOne('caddy', 'caddyfile');
  const replacements: [string, string][] = [
    ['shop.example.com {', `http://127.0.0.1:${port} {`],
    ['forward_auth sentinel:8080', `forward_auth ${sentinel.address}`],
    ['reverse_proxy app:3000', `reverse_proxy ${app.address}`],
  ];
  const site = replacements.reduce((text, [there, here]) => {
    expect(text).toContain(there);
    return text.replaceAll(there, here);
  }, printed);
  return `{\n\tadmin off\n\tauto_https off\n}\n${site}`;
}

beforeAll(async () => {
  mkdirSync(join(folder, 'status'));
  app = await startApp();
  sentinel = await startSentinel({
    heartbeatPath,
    stateFolder: join(folder, 'state'),
    thresholdSeconds: 3600,
  });
  port = await freePort();
  const path = join(folder, 'Caddyfile');
  writeFileSync(path, caddyfile());
  caddy = startChild('caddy', ['run', '--config', path, '--adapter', 'caddyfile'], {
    PATH: process.env['PATH'],
    HOME: folder,
  });
  await waitUntil('caddy to listen', () => {
    if (!caddy.isRunning()) throw new Error(`caddy ended:\n${caddy.output()}`);
    return isListening(port);
  });
  url = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  await caddy.stop();
  await sentinel.stop();
  await app.stop();
  rmSync(folder, { recursive: true });
});

const becomes = async (secondsAgo: number, status: number) => {
  writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - secondsAgo * 1000)));
  await waitUntil(`status ${status}`, async () => (await fetch(url)).status === status, 3);
  app.requests.length = 0;
};

describe('the Caddyfile of docs/gate.md', () => {
  it('fresh → the app, also for changes, and its own errors as they are', async () => {
    await becomes(60, 200);
    expect((await fetch(`${url}/orders`, { method: 'POST', body: 'a=1' })).status).toBe(200);
    expect(app.requests).toEqual(['POST /orders 3']);
    expect((await fetch(`${url}/answer/403`)).status).toBe(403);
  });

  it("stale → the sentinel's own answer: the page in the visitor's language, JSON for a program", async () => {
    await becomes(3700, 503);
    const headers = { accept: 'text/html', 'accept-language': 'it' };
    const page = await fetch(`${url}/cart`, { headers });
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'retry-after': '300',
      'x-gate-reason': 'stale',
      'cache-control': 'no-store',
      'content-language': 'it',
    });
    expect(await page.text()).toContain('Torniamo presto');
    expect(await (await fetch(url)).json()).toMatchObject({ ok: false, reason: 'stale' });
    expect((await fetch(url, { method: 'POST', body: 'a=1' })).status).toBe(503);
    expect(app.requests).toEqual([]);
  });

  it('stale → the health check alone goes past the gate', async () => {
    await becomes(3700, 503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/.well-known/acme-challenge/x`)).status).toBe(503);
    for (const path of ['/admin/..%2fhealthz', '//healthz', '/healthz/..%2fadmin', '/healthz%2f..%2fadmin']) {
      const { socket, received } = sendHead(port, [
        `GET ${path} HTTP/1.1`,
        'Host: shop',
        'Connection: close',
      ]);
      await waitUntil(`an answer to ${path}`, () => received().includes('\r\n\r\n'));
      socket.destroy();
    }
    expect(new Set(app.requests)).toEqual(new Set(['GET /healthz 0']));
  });

  it('the sentinel is down → 503 all the same', async () => {
    await becomes(60, 200);
    await sentinel.stop('SIGKILL');
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '300']);
    expect(app.requests).toEqual([]);
  });
});
