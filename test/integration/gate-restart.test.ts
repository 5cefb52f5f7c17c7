import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request, Agent } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startNginx } from '../../scripts/loopback/nginx.ts';
import { freePort } from '../../scripts/loopback/ports.ts';
import { startSentinel } from '../../scripts/loopback/sentinel.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { openLedger } from '../../agent/ledger/sqlite.ts';
import { holdGate, releaseGate } from '../../agent/reports/override.ts';
import { systemClock } from '../../agent/core/clock.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { startApp } from '../helpers/app.ts';
import { temporaryFolder } from '../helpers/folder.ts';

vi.setConfig({ testTimeout: 40_000 });

async function site({ mode }: { mode?: 'observe' } = {}) {
  const folder = temporaryFolder();
  const statusFolder = join(folder, 'status');
  const heartbeatPath = join(statusFolder, 'last_ok');
  mkdirSync(statusFolder);
  const beat = (secondsAgo: number) =>
    writeFileSync(heartbeatPath, formatLastOk(new Date(Date.now() - secondsAgo * 1000)));
  const port = await freePort();
  const boot = async () => {
    const sentinel = await startSentinel({
      port,
      heartbeatPath,
      stateFolder: join(folder, 'state'),
      thresholdSeconds: 3600,
      ...(mode === undefined ? {} : { mode }),
    });
    onTestFinished(() => sentinel.stop());
    return sentinel;
  };
  const app = await startApp();
  onTestFinished(app.stop);
  const nginx = await startNginx({
    prefix: join(folder, 'nginx'),
    sentinel: `127.0.0.1:${port}`,
    app: app.address,
  });
  onTestFinished(() => nginx.stop());
  const turns = (status: number) =>
    waitUntil(`status ${status}`, async () => (await fetch(nginx.url)).status === status, 4);
  return { beat, boot, nginx, turns, statusFolder, heartbeatPath };
}

/** So many visitors who come back as soon as they were answered; gives how often each status was seen. */
function visitors(url: string, many: number): { stop(): Promise<Map<number, number>> } {
  const agent = new Agent({ keepAlive: true });
  const seen = new Map<number, number>();
  let going = true;
  const visit = () =>
    new Promise<number>((resolve) => {
      const asked = request(url, { agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      asked.once('error', () => resolve(0)).end();
    });
  const visitor = async () => {
    while (going) {
      const status = await visit();
      seen.set(status, (seen.get(status) ?? 0) + 1);
    }
  };
  const all = Promise.all(Array.from({ length: many }, visitor));
  return {
    stop: async () => {
      going = false;
      await all;
      agent.destroy();
      return seen;
    },
  };
}

it('the sentinel restarts under load, by force and by signal → not one failed request', async () => {
  const { beat, boot, nginx, turns } = await site();
  beat(60);
  let sentinel = await boot();
  await turns(200);
  const load = visitors(nginx.url, 8);
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await sentinel.stop(signal);
    const gone = performance.now();
    await waitUntil('it to be gone for three seconds', () => performance.now() - gone > 3000);
    sentinel = await boot();
  }
  const seen = await load.stop();
  expect([...seen.keys()]).toEqual([200]);
  expect(seen.get(200)).toBeGreaterThan(1000);
});

it('nginx starts before the sentinel → closed, then open when it is there', async () => {
  const { beat, boot, nginx, turns } = await site();
  beat(60);
  expect((await fetch(nginx.url)).status).toBe(503);
  await boot();
  await turns(200);
});

it('an override is given → open although stale, closed although fresh, until it is ended or over', async () => {
  const { beat, boot, turns, statusFolder } = await site();
  const ledger = openLedger(join(temporaryFolder(), 'ledger.db'), systemClock);
  const place = { folder: statusFolder, ledger, clock: systemClock, by: 'ada' };
  beat(3700);
  await boot();
  await turns(503);
  await holdGate(place, { gate: 'open', seconds: 3600, reason: 'moving' });
  await turns(200);
  await releaseGate(place);
  await turns(503);
  await holdGate(place, { gate: 'open', seconds: 3, reason: 'a moment' });
  await turns(200);
  await turns(503);
  beat(60);
  await turns(200);
  await holdGate(place, { gate: 'closed', seconds: 3600, reason: 'the migration' });
  await turns(503);
  await releaseGate(place);
  await turns(200);
  ledger.close();
});

it('observe mode → open whatever the heartbeat, and the sentinel says what it would have done', async () => {
  const { beat, boot, nginx, turns, heartbeatPath } = await site({ mode: 'observe' });
  beat(3700);
  const { address } = await boot();
  await turns(200);
  rmSync(heartbeatPath);
  expect((await fetch(nginx.url)).status).toBe(200);
  const told = await fetch(`http://${address}/ok`);
  expect([told.status, told.headers.get('x-gate-would-be')]).toEqual([200, 'closed']);
});
