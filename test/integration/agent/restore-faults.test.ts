import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLedger } from '../../../agent/ledger/sqlite.ts';
import { testAgent } from '../../helpers/agent.ts';
import { startMariadb } from '../../helpers/mariadb.ts';
import type { TestServer } from '../../helpers/server.ts';
import { createShop } from '../../helpers/shop.ts';
import { repositoryRoot } from '../../helpers/stack.ts';
import { until } from '../../helpers/until.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

test('a prune was killed and left its lock, which nobody but it may share → the restore goes on all the same', async () => {
  const shop = await createShop(server, 100);
  const agent = await testAgent(shop.environment);
  expect((await agent.run(['backup'])).code).toBe(0);
  execFileSync('bash', ['-c', killedPrune], { env: agent.environment });
  const { code, stderr } = await agent.run(['restore', shop.database, '--output', join(agent.folder, 'out')]);
  expect(stderr).toMatch(/restore of \S+: wrote/);
  expect(code).toBe(0);
});

test('a restore in place is killed while it loads → no backup of the rest counts, until it is whole again', async () => {
  const shop = await createShop(server, 150_000);
  await server.sql(`GRANT ALL ON ${shop.database}.* TO ${shop.environment['MYSQL_USER']}@'%'`);
  const agent = await testAgent(shop.environment);
  expect((await agent.run(['backup'])).code).toBe(0);
  const lastOk = agent.lastOk();
  const { child, ended } = agent.start(['restore', shop.database, '--yes']);
  await until('it loads the large table', async () => {
    const rows = await server.sql(
      `SELECT 1 FROM information_schema.processlist WHERE db = '${shop.database}' AND info LIKE 'INSERT INTO %orders%'`,
    );
    return rows.length > 0;
  });
  child.kill('SIGKILL');
  await ended;
  // What was there before is among them.
  const snapshots = agent.snapshots();
  const refused = await agent.run(['backup']);
  expect(refused.stderr).toMatch(/holds the rest of a restore of[\s\S]*holdfast restore/);
  expect(refused.code).toBe(1);
  expect(agent.snapshots()).toEqual(snapshots);
  expect(agent.lastOk()).toBe(lastOk);
  // With a warning: it may not be swapped.
  expect((await agent.run(['restore', shop.database, '--yes'])).code).toBe(3);
  expect(await server.sql('SELECT COUNT(*) AS number FROM orders', shop.database)).toEqual([
    { number: 150_000 },
  ]);
  expect((await agent.run(['backup'])).code).toBe(0);
});

test('whoever reads an answer is slow → they get the whole of it before the agent is gone', async () => {
  const agent = await testAgent((await createShop(server, 1)).environment);
  const runs = 500;
  const ledger = openLedger(join(agent.folder, 'state', 'ledger.db'), { now: () => new Date() });
  for (let run = 1; run <= runs; run += 1) {
    const id = ledger.begin({ job: 'backup', source: null, trigger: 'command' });
    ledger.finish(id, { result: 'failed', reason: 'x'.repeat(1_000) });
  }
  ledger.close();
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'agent/main.ts'), 'history', '--json', '--limit', String(runs)],
    { env: agent.environment, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await once(child.stdout, 'readable');
  await until('it has nothing left to do', async () => !isOpen(child.pid, 'ledger.db'));
  let answer = '';
  for await (const part of child.stdout) answer += String(part);
  expect(JSON.parse(answer)).toHaveLength(runs);
});

const killedPrune = `
  until [ -n "$(ls "$RESTIC_REPOSITORY/locks")" ]; do
    '${process.execPath}' '${repositoryRoot}/agent/main.ts' restic -- prune >/dev/null 2>&1 & prune=$!
    while kill -0 $prune 2>/dev/null && [ -z "$(ls "$RESTIC_REPOSITORY/locks")" ]; do :; done
    kill -9 $prune 2>/dev/null; wait $prune
  done; true`;

function isOpen(pid: number | undefined, file: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)).endsWith(`/${file}`));
  } catch {
    return false;
  }
}
