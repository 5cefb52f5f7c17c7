import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startSentinel } from '../../scripts/loopback/sentinel.ts';
import { waitUntil } from '../../scripts/loopback/wait.ts';
import { formatLastOk } from '../../sentinel/heartbeat.ts';
import { temporaryFolder } from '../helpers/folder.ts';

vi.setConfig({ testTimeout: 30_000 });

function server(graceSeconds: number) {
  const folder = temporaryFolder();
  const heartbeatPath = join(folder, 'status', 'last_ok');
  mkdirSync(join(folder, 'status'));

  async function boot(stateFolder = join(folder, 'state')) {
    const sentinel = await startSentinel({ heartbeatPath, stateFolder, graceSeconds });
    onTestFinished(() => sentinel.stop());
    return {
      ...sentinel,
      ask: async () => {
        const answer = await fetch(`http://${sentinel.address}/ok`);
        return `${answer.status} ${answer.headers.get('x-gate-reason')}`;
      },
    };
  }
  return { heartbeatPath, boot };
}

it('booted for the first time → open while it waits for the first backup, then closed', async () => {
  const sentinel = await server(3).boot();
  expect(await sentinel.ask()).toBe('200 first_boot_grace');
  await waitUntil('the grace to end', async () => (await sentinel.ask()) === '503 missing', 6);
});

it('restarted during the grace, by force → it ends when it would have', async () => {
  const { boot } = server(4);
  const begun = Date.now();
  for (let restart = 0; restart < 3; restart++) {
    const sentinel = await boot();
    expect(await sentinel.ask()).toBe('200 first_boot_grace');
    await sentinel.stop('SIGKILL');
  }
  const sentinel = await boot();
  await waitUntil('the grace to end', async () => (await sentinel.ask()) === '503 missing', 6);
  expect(Date.now() - begun).toBeLessThan(6000);
});

it('a heartbeat came and went though nobody asked → the grace is spent, also after a restart', async () => {
  const { boot, heartbeatPath } = server(86_400);
  const sentinel = await boot();
  writeFileSync(heartbeatPath, formatLastOk(new Date()));
  await waitUntil('the heartbeat to be seen', () => sentinel.output().includes('verdict: open (fresh)'), 5);
  rmSync(heartbeatPath);
  await waitUntil('the gate to close', () => sentinel.output().includes('verdict: closed (missing)'), 5);
  await sentinel.stop();
  expect(await (await boot()).ask()).toBe('503 missing');
});

it('a state folder that cannot be written → no grace, and the log says so', async () => {
  const sentinel = await server(86_400).boot('/dev/null/state');
  expect(await sentinel.ask()).toBe('503 missing');
  expect(sentinel.output()).toContain('Make SENTINEL_STATE_DIR writable');
});
