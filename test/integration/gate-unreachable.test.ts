import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type NginxOptions, type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { startNameServer } from '../helpers/name-server.ts';
import { startStubSentinel } from '../helpers/stub-sentinel.ts';

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
    await waitUntil('the gate to open', async () => (await fetch(nginx.url)).status === 200, 3);
  });

  it('down, and a hundred visitors a second → asked once a second, and not for each of them', async () => {
    const port = await freePort();
    const nginx = await nginxAsking(`127.0.0.1:${port}`);
    await expectClosed(nginx);
    const start = performance.now();
    for (let visit = 0; visit < 200; visit++) await (await fetch(nginx.url)).text();
    const seconds = Math.ceil((performance.now() - start) / 1000);
    expect(nginx.output().match(/connect\(\) failed/g)?.length).toBeLessThanOrEqual(seconds + 2);
  });

  it('hangs → the next visitors of that second are told at once', async () => {
    const stub = await startStubSentinel(() => undefined);
    onTestFinished(stub.stop);
    const nginx = await nginxAsking(stub.address);
    const visit = async () => {
      const start = performance.now();
      expect((await fetch(nginx.url)).status).toBe(503);
      return performance.now() - start;
    };
    expect(Math.min(...(await Promise.all(Array.from({ length: 16 }, visit))))).toBeGreaterThan(1900);
    expect(await visit()).toBeLessThan(500);
  });

  it('opted to be open then: down → open, at once; hangs → open after two seconds; stale → closed all the same', async () => {
    const open = { onSentinelDown: 'open' } as const;
    expect((await fetch((await nginxAsking(`127.0.0.1:${await freePort()}`, open)).url)).status).toBe(200);

    const silent = await startStubSentinel(() => undefined);
    onTestFinished(silent.stop);
    const start = performance.now();
    expect((await fetch((await nginxAsking(silent.address, open)).url)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(1900);

    const stale = await startStubSentinel((_, response) => void response.writeHead(403).end());
    onTestFinished(stale.stop);
    expect((await fetch((await nginxAsking(stale.address, open)).url)).status).toBe(503);
  });
});

describe('a sentinel that is gone after a yes', () => {
  const yes = (seconds: number) =>
    startStubSentinel((_, response) => {
      const expires = `@${Math.floor(Date.now() / 1000)}`;
      const kept = `stale-while-revalidate=1, stale-if-error=${seconds}`;
      response.writeHead(204, { 'Cache-Control': kept, 'X-Accel-Expires': expires }).end();
    });

  it('for longer than it said → closed, however many visitors come', async () => {
    const stub = await yes(2);
    const nginx = await nginxAsking(stub.address);
    expect((await fetch(nginx.url)).status).toBe(200);
    const start = performance.now();
    await stub.stop();
    await waitUntil('the gate to close', async () => (await fetch(nginx.url)).status === 503, 6);
    expect(performance.now() - start).toBeGreaterThan(2000);
    expect((await fetch(nginx.url)).headers.get('x-gate-reason')).toBe('sentinel_unreachable');
  });

  it('its name gone with it, as with a container that restarts → believed as long, then closed', async () => {
    const names = await startNameServer('127.0.0.1');
    onTestFinished(names.stop);
    const stub = await yes(4);
    const nginx = await nginxAsking(`sentinel:${stub.port}`, { resolver: names.address });
    expect((await fetch(nginx.url)).status).toBe(200);
    await stub.stop();
    names.answer = 'unknown';
    const asked = performance.now();
    // nginx keeps an address for two seconds: after that there is none.
    await waitUntil('the name to be asked for', () => performance.now() - asked > 3500);
    expect((await fetch(nginx.url)).status).toBe(200);
    await waitUntil('the gate to close', async () => (await fetch(nginx.url)).status === 503, 6);
  });

  it('says no then → closed: what it said before does not help', async () => {
    let status = 204;
    const stub = await startStubSentinel((_, response) => {
      const kept = status === 204 ? { 'Cache-Control': 'stale-while-revalidate=1, stale-if-error=30' } : {};
      response.writeHead(status, { ...kept, 'X-Accel-Expires': `@${Math.floor(Date.now() / 1000)}` }).end();
    });
    onTestFinished(stub.stop);
    const nginx = await nginxAsking(stub.address);
    expect((await fetch(nginx.url)).status).toBe(200);
    status = 403;
    await waitUntil('the gate to close', async () => (await fetch(nginx.url)).status === 503, 3);
  });
});

it('two hundred visitors at once → the sentinel is asked a few times, and about nobody', async () => {
  const stub = await startStubSentinel((_, response) => void response.writeHead(204).end());
  onTestFinished(stub.stop);
  const nginx = await nginxAsking(stub.address);
  const start = performance.now();
  const paths = Array.from({ length: 200 }, (_, n) => `/page/${n}?q=${n}`);
  await fetch(nginx.url);
  await Promise.all(paths.map((path) => fetch(nginx.url + path)));
  const seconds = Math.ceil((performance.now() - start) / 1000);
  expect(stub.asked.length).toBeLessThanOrEqual(1 + seconds * 2);
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
    await waitUntil(
      'the second one to be asked',
      async () => {
        await fetch(nginx.url);
        return second.asked.length > 0;
      },
      6,
    );
    expect((await fetch(nginx.url)).status).toBe(200);
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
