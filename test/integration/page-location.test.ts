import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningNginx, startNginx } from '../../scripts/loopback/nginx.ts';
import { type RunningSentinel, startSentinel } from '../../scripts/loopback/sentinel.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { theOne } from '../helpers/documented.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-page-'));
let app: TestApp;
let sentinel: RunningSentinel;
let nginx: RunningNginx;

// The gate is closed: that is when somebody wants to look.
beforeAll(async () => {
  const heartbeatPath = join(folder, 'status', 'last_ok');
  const passwords = join(folder, 'passwords');
  mkdirSync(join(folder, 'status'));
  writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - 7200_000)));
  writeFileSync(passwords, 'you:{PLAIN}secret\n');

  const text = theOne('page', 'nginx').replace('/etc/nginx/holdfast.htpasswd', passwords);
  expect(text).toContain(passwords);
  app = await startApp();
  sentinel = await startSentinel({
    heartbeatPath,
    stateFolder: join(folder, 'state'),
    thresholdSeconds: 3600,
  });
  nginx = await startNginx({
    prefix: join(folder, 'nginx'),
    sentinel: sentinel.address,
    app: app.address,
    server: text,
  });
});

afterAll(async () => {
  await nginx?.stop();
  await sentinel?.stop();
  await app?.stop();
  rmSync(folder, { recursive: true });
});

const ask = (path: string, password?: string) =>
  fetch(`${nginx.url}${path}`, {
    redirect: 'manual',
    headers: password === undefined ? {} : { Authorization: `Basic ${btoa(`you:${password}`)}` },
  });

it('the location of docs/page.md without the password → 401, and nothing of the page', async () => {
  for (const answer of [await ask('/holdfast/'), await ask('/holdfast/status.json', 'guessed')]) {
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toMatch(/gate|backup/i);
  }
});

it('with it → the page, with its policy, and the JSON beside it, although the gate is closed', async () => {
  expect((await ask('/')).status).toBe(503);
  const page = await ask('/holdfast/', 'secret');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
  expect(page.headers.get('refresh')).toBe('60');
  expect(await page.text()).toContain('The gate is closed');
  expect(await (await ask('/holdfast/status.json', 'secret')).json()).toMatchObject({
    version: 1,
    gate: { open: false },
  });
});

it('without the slash → led to it, so that its links lead on', async () => {
  const answer = await ask('/holdfast', 'secret');
  expect([answer.status, new URL(answer.headers.get('location') ?? '', nginx.url).pathname]).toEqual([
    301,
    '/holdfast/',
  ]);
});
