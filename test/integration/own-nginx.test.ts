import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Child, startChild } from '../../scripts/loopback/child.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { type RunningSentinel, startSentinel } from '../../scripts/loopback/sentinel.ts';
import { isListening, waitUntil } from '../../scripts/loopback/wait.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { startApp, type TestApp } from '../helpers/app.ts';
import { theOne } from '../helpers/documented.ts';
import { serverFolder } from '../helpers/server.ts';
import { repositoryRoot } from '../helpers/stack.ts';

/** An nginx of one's own with the lines of docs/gate.md: as printed, but for addresses and folders. */
const folder = serverFolder();
const heartbeatPath = join(folder, 'status', 'last_ok');
let app: TestApp;
let sentinel: RunningSentinel;
let nginx: Child;
let url: string;

function printed(port: number): string {
  const replacements: [string, string][] = [
    ['default sentinel:8080;', `default ${sentinel.address};`],
    ['default /etc/nginx/holdfast;', `default ${folder}/holdfast;`],
    ['/tmp/holdfast ', `${folder}/cache `],
    ['listen 80;', `listen 127.0.0.1:${port};`],
  ];
  const text = replacements.reduce(
    (before, [there, here]) => {
      expect(before.split(there)).toHaveLength(2);
      return before.replace(there, here);
    },
    theOne('own-nginx', 'nginx'),
  );
  return text.replaceAll('http://app:3000', `http://${app.address}`);
}

beforeAll(async () => {
  mkdirSync(join(folder, 'status'));
  symlinkSync(join(repositoryRoot, 'nginx'), join(folder, 'holdfast'));
  app = await startApp();
  sentinel = await startSentinel({
    heartbeatPath,
    stateFolder: join(folder, 'state'),
    thresholdSeconds: 3600,
  });
  const port = await freePort();
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${user} daemon off; pid nginx.pid; error_log stderr warn; events {}\nhttp { access_log off;\n${printed(port)}}\n`,
  );
  const path = `${process.env['PATH']}:/usr/sbin`;
  nginx = startChild('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    PATH: path,
  });
  await waitUntil('nginx to listen', () => {
    if (!nginx.isRunning()) throw new Error(`nginx ended:\n${nginx.output()}`);
    return isListening(port);
  });
  url = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  await nginx?.stop();
  await sentinel?.stop();
  await app?.stop();
  rmSync(folder, { recursive: true });
});

const becomes = async (secondsAgo: number, status: number) => {
  writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - secondsAgo * 1000)));
  await waitUntil(`status ${status}`, async () => (await fetch(url)).status === status, 5);
};

it('fresh → the app', async () => {
  await becomes(60, 200);
  expect(await (await fetch(`${url}/orders`)).text()).toBe('the app itself');
});

it('stale → 503 with the page, or the JSON that is printed; the location that is not gated answers', async () => {
  await becomes(3700, 503);
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  expect([page.status, page.headers.get('retry-after'), page.headers.get('x-gate-reason')]).toEqual([
    503,
    '300',
    'stale',
  ]);
  expect(await page.text()).toContain('We will be back soon');
  const program = await fetch(url, { headers: { accept: 'application/json' } });
  expect(await program.json()).toEqual(JSON.parse(theOne('own-nginx', 'json')));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});
