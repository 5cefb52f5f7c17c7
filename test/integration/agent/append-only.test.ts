import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { testAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import { freePort, type TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** A REST server over the agent's own repository that deletes nothing; gives its location. */
async function appendOnly(folder: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const options = ['--path', folder, '--listen', address, '--no-auth', '--append-only'];
  const rest = spawn('rest-server', options);
  onTestFinished(() => void rest.kill('SIGKILL'));
  await until('the REST server answers', async () => (await fetch(`http://${address}/`)).status > 0);
  return `rest:http://${address}/repository/`;
}

test('a repository that deletes nothing → retention fails behind a good backup and names the setting; switched off, all is good and all is kept', async () => {
  const agent = await testAgent((await createShop(server, 100)).environment);
  const one = { BACKUP_KEEP_DAILY: '1', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0' };
  const settings = {
    ...one,
    BACKUP_KEEP_WITHIN: '0',
    RESTIC_REPOSITORY: await appendOnly(agent.folder),
  };
  expect((await agent.run(['backup'], settings)).code).toBe(0);
  const warned = await agent.run(['backup'], settings);
  expect(warned.stderr).toMatch(/retention failed: [\s\S]*BACKUP_RETENTION=off/);
  expect(warned.code).toBe(3);
  const { code, stderr } = await agent.run(['backup'], { ...settings, BACKUP_RETENTION: 'off' });
  expect(stderr).not.toMatch(/error|warning|retention/);
  expect(code).toBe(0);
  expect(await agent.dumps()).toHaveLength(3);
});
