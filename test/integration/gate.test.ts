import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { type RunningSentinel, startSentinel } from '../../scripts/loopback/sentinel.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { closedPagePath, readClosedPages } from '../../sentinel/closed-page.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { makeFifo } from '../helpers/fifo.ts';
import { askedLanguages } from '../helpers/languages.ts';
import { sendHead } from '../helpers/raw-http.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const folder = mkdtempSync(join(tmpdir(), 'holdfast-gate-'));
const heartbeatPath = join(folder, 'status', 'last_ok');
let app: TestApp;
let sentinel: RunningSentinel;
let nginx: RunningNginx;

beforeAll(async () => {
  mkdirSync(join(folder, 'status'));
  app = await startApp();
  sentinel = await startSentinel({
    heartbeatPath,
    stateFolder: join(folder, 'state'),
    thresholdSeconds: 3600,
  });
  nginx = await startNginx({ prefix: join(folder, 'nginx'), sentinel: sentinel.address, app: app.address });
});

afterAll(async () => {
  await nginx.stop();
  await sentinel.stop();
  await app.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  rmSync(heartbeatPath, { recursive: true, force: true });
  app.requests.length = 0;
});

const beat = (secondsAgo: number) =>
  writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - secondsAgo * 1000)));

/** What nginx was told lives on until the second is over. */
async function becomes(reason: string) {
  const sentinelSays = async () =>
    (await fetch(`http://${sentinel.address}/ok`)).headers.get('x-gate-reason') === reason;
  await waitUntil(`the verdict ${reason}`, sentinelSays, 3);
  const wanted = reason === 'fresh' ? null : reason;
  const visitorsSee = async () => (await fetch(nginx.url)).headers.get('x-gate-reason') === wanted;
  await waitUntil(`visitors to see ${reason}`, visitorsSee, 3);
  app.requests.length = 0;
}

async function open() {
  beat(60);
  await becomes('fresh');
}

async function close() {
  beat(3700);
  await becomes('stale');
}

describe('what the heartbeat is → what a visitor gets', () => {
  it('fresh → the app', async () => {
    await open();
    const answer = await fetch(`${nginx.url}/cart`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('the app itself');
  });

  const wrong: [title: string, reason: string, put: () => void][] = [
    ['stale', 'stale', () => beat(3700)],
    ['from the future', 'future_timestamp', () => beat(-1000)],
    ['a word', 'malformed', () => writeFileSync(heartbeatPath, 'ok\n')],
    ['empty', 'malformed', () => writeFileSync(heartbeatPath, '')],
    ['five kilobytes', 'malformed', () => writeFileSync(heartbeatPath, formatLastOk(new Date()).repeat(250))],
    ['a FIFO', 'not_regular_file', () => makeFifo(heartbeatPath)],
    ['a folder', 'not_regular_file', () => mkdirSync(heartbeatPath)],
    [
      'a symlink to a good one',
      'not_regular_file',
      () => {
        writeFileSync(join(folder, 'good'), formatLastOk(new Date()));
        symlinkSync('../good', heartbeatPath);
      },
    ],
  ];

  it.each(wrong)('%s → 503, %s', async (_, reason, put) => {
    put();
    await becomes(reason);
    const answer = await fetch(`${nginx.url}/cart`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-gate-reason')).toBe(reason);
    expect(app.requests).toEqual([]);
  });

  it('taken away after it was seen → 503, missing', async () => {
    await open();
    rmSync(heartbeatPath);
    await becomes('missing');
    const answer = await fetch(nginx.url);
    expect([answer.status, answer.headers.get('x-gate-reason')]).toEqual([503, 'missing']);
  });

  it('stale → closed within two seconds; a backup succeeds → open again within one', async () => {
    const turns = async (status: number) => {
      const start = performance.now();
      await waitUntil(`status ${status}`, async () => (await fetch(nginx.url)).status === status, 4);
      return performance.now() - start;
    };
    await open();
    const closing: number[] = [];
    const opening: number[] = [];
    for (let round = 0; round < 3; round++) {
      beat(3700);
      closing.push(await turns(503));
      beat(0);
      opening.push(await turns(200));
    }
    expect(Math.max(...closing)).toBeLessThan(2000);
    // The last tenths are for a busy machine.
    expect(Math.max(...opening)).toBeLessThan(1300);
  });

  it('stale while nobody came for a while → the first visitor after it is refused', async () => {
    await open();
    beat(3700);
    const idle = performance.now();
    await waitUntil('nobody to come for 2.1 s', () => performance.now() - idle > 2100);
    expect((await fetch(nginx.url)).status).toBe(503);
  });
});

describe('the closed answer', () => {
  it('a browser → the page, not to be kept, with the time to come back', async () => {
    await close();
    const answer = await fetch(nginx.url, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(answer.status).toBe(503);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'retry-after': '300',
      'cache-control': 'no-store',
      'x-gate-reason': 'stale',
    });
    expect(await answer.text()).toContain('backup status not OK');
  });

  it.each(askedLanguages)(
    'a browser that asks for "%s" → the page in %s, and in no other language',
    async (header, language) => {
      await close();
      const answer = await fetch(nginx.url, { headers: { accept: 'text/html', 'accept-language': header } });
      expect(answer.headers.get('content-language')).toBe(language);
      expect(answer.headers.get('vary')).toBe('Accept, Accept-Language');
      // Line for line what the sentinel makes of the same file.
      const lines = (page: string) => page.split('\n').filter((line) => line.trim() !== '');
      expect(lines(await answer.text())).toEqual(lines(readClosedPages(closedPagePath)[language]));
    },
  );

  it('a program that takes JSON → JSON with the reason', async () => {
    await close();
    const answer = await fetch(nginx.url, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('retry-after')).toBe('300');
    expect(await answer.json()).toEqual({
      ok: false,
      error: 'Service unavailable: backup status not OK',
      reason: 'stale',
    });
  });

  it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s → 503 too', async (method) => {
    await close();
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'a=1' : undefined;
    const answer = await fetch(`${nginx.url}/orders`, { method, body });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-gate-reason')).toBe('stale');
    expect((await answer.text()) === '').toBe(method === 'HEAD');
    expect(app.requests).toEqual([]);
  });

  it('asked only if it changed, or for a part of it → the whole 503, never 304 or 206', async () => {
    await close();
    const first = await fetch(nginx.url);
    for (const headers of [
      { 'if-none-match': first.headers.get('etag') ?? '*' },
      { 'if-modified-since': new Date().toUTCString() },
      { range: 'bytes=0-10' },
    ]) {
      expect((await fetch(nginx.url, { headers })).status).toBe(503);
    }
  });

  it('an upload of 200 MB → refused before a byte of it was sent', async () => {
    await close();
    const upload = sendHead(nginx.port, ['POST /upload HTTP/1.1', 'Host: shop', 'Content-Length: 200000000']);
    await upload.expect('HTTP/1.1 503 ');
    upload.socket.destroy();
    expect(app.requests).toEqual([]);
  });

  it('a WebSocket → the handshake is refused', async () => {
    await close();
    const socket = handshake();
    await socket.expect('HTTP/1.1 503 ');
    socket.socket.destroy();
    expect(app.requests).toEqual([]);
  });
});

describe('the open gate', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])('%s → reaches the app as it is', async (method) => {
    await open();
    const body = ['POST', 'PUT'].includes(method) ? 'a=1' : undefined;
    expect((await fetch(`${nginx.url}/orders?id=1`, { method, body })).status).toBe(200);
    expect(app.requests).toEqual([`${method} /orders?id=1 ${body?.length ?? 0}`]);
  });

  it.each([401, 403, 404, 418, 500, 502, 503])(
    "the app's own %i → passes through untouched",
    async (status) => {
      await open();
      const answer = await fetch(`${nginx.url}/answer/${status}`);
      expect(answer.status).toBe(status);
      expect(await answer.text()).toBe('the app itself');
      expect(answer.headers.get('x-gate-reason')).toBe(null);
    },
  );

  it('18 kB of headers → let in: they are not put to the sentinel', async () => {
    await open();
    const headers = Object.fromEntries([1, 2, 3].map((n) => [`x-large-${n}`, 'x'.repeat(6000)]));
    expect((await fetch(nginx.url, { headers })).status).toBe(200);
  });

  it('an upload of 200 MB → all of it reaches the app', async () => {
    await open();
    const answer = await fetch(`${nginx.url}/upload`, {
      method: 'POST',
      body: new Blob([Buffer.alloc(200e6)]),
    });
    expect(answer.status).toBe(200);
    expect(app.requests).toEqual(['POST /upload 200000000']);
  });

  it('a WebSocket → opens, and stays open when the gate closes', async () => {
    await open();
    const socket = handshake();
    await socket.expect('HTTP/1.1 101 ');
    await close();
    socket.socket.write('still here');
    await socket.expect('still here');
    socket.socket.destroy();
  });

  it("the gate's own locations asked from outside → refused, and nothing told", async () => {
    await open();
    const ask = async (name: string) => (await fetch(`${nginx.url}/_holdfast/${name}`)).status;
    expect(await ask('check')).toBe(403);
    expect(await ask('closed.html')).toBe(404);
    expect(await ask('closed.json')).toBe(404);
  });
});

it("closed → nginx' own health check still answers", async () => {
  await close();
  expect((await fetch(`${nginx.url}/_holdfast/livez`)).status).toBe(204);
});

it('closed a hundred times → not one line in the error log', async () => {
  await close();
  const before = nginx.output();
  for (let round = 0; round < 100; round++) await (await fetch(nginx.url)).text();
  expect(nginx.output()).toBe(before);
});

function handshake() {
  return sendHead(nginx.port, [
    'GET /live HTTP/1.1',
    'Host: shop',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]);
}
